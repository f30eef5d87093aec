/** Applying a delta to a base that is too large for memory: slices in, slices out. */
import { repositoryCorrupt } from '../errors.ts';

/** Content that can be read anywhere. */
export interface RandomAccess {
  readonly size: number;
  /** Bytes at `offset`, `length` of them, all there. */
  read(offset: number, length: number): Buffer;
}

/** The longest slice given out for one copy. */
const SLICE = 64 * 1024;
/** A copy operation with all its offset and size bytes. */
const LONGEST_COPY = 8;

/**
 * The result of a delta, slice by slice.
 * @param delta the whole inflated delta, in pieces of any size
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`
 */
export async function* applyDeltaStream(
  base: RandomAccess,
  delta: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const input = new Input(delta);
  if ((await input.size()) !== base.size) throw repositoryCorrupt('a delta does not fit its base');
  let left = await input.size();
  while (await input.more()) {
    const op = await input.byte();
    if (op & 128) {
      await input.ahead(LONGEST_COPY);
      let { offset, size } = input.copy(op);
      if (offset + size > base.size || size > left)
        throw repositoryCorrupt('a delta copies from outside its base');
      left -= size;
      for (; size > 0; offset += SLICE, size -= SLICE) yield base.read(offset, Math.min(SLICE, size));
    } else {
      if (op === 0 || op > left) throw repositoryCorrupt('a delta has an operation that is not well formed');
      await input.ahead(op);
      left -= op;
      yield input.take(op);
    }
  }
  if (left !== 0) throw repositoryCorrupt('a delta ends early');
}

/** Bytes of the delta, with a little of what comes next at hand. */
class Input {
  readonly #pieces: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Tries to have `n` bytes at hand; at the end of the delta there may be fewer. */
  async ahead(n: number): Promise<void> {
    while (this.#bytes.length - this.#at < n) {
      const next = await this.#pieces.next();
      if (next.done) return;
      this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), next.value]);
      this.#at = 0;
    }
  }

  async more(): Promise<boolean> {
    await this.ahead(1);
    return this.#at < this.#bytes.length;
  }

  async byte(): Promise<number> {
    await this.ahead(1);
    return this.#next();
  }

  async size(): Promise<number> {
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = await this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw repositoryCorrupt('a delta header is not well formed');
  }

  copy(op: number): { offset: number; size: number } {
    let offset = 0;
    let size = 0;
    for (let i = 0; i < 4; i++) if (op & (1 << i)) offset += this.#next() * 2 ** (8 * i);
    for (let i = 0; i < 3; i++) if (op & (16 << i)) size += this.#next() * 2 ** (8 * i);
    return { offset, size: size === 0 ? 0x10000 : size };
  }

  take(n: number): Buffer {
    if (this.#bytes.length - this.#at < n) throw repositoryCorrupt('a delta ends early');
    this.#at += n;
    return Buffer.from(this.#bytes.subarray(this.#at - n, this.#at));
  }

  #next(): number {
    if (this.#at >= this.#bytes.length) throw repositoryCorrupt('a delta ends early');
    return this.#bytes[this.#at++];
  }
}
