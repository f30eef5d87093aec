/** The pack as it leaves: bytes into chunks, the hash of all of them, the trailer. Nothing ever holds a whole pack. */
import crypto from 'node:crypto';
import { ChunkFiller, type Framing } from '../protocol/sideband.ts';
import type { HashName } from '../repository/object-format.ts';

/** Where the chunks of a pack go. */
export interface ChunkSink {
  /** How the pack is framed. */
  readonly framing: Framing;
  /** A buffer of at least one slot to fill; a promise where the chunk could not leave yet, and is not to wait filled. */
  takeChunk(): ArrayBuffer | Promise<ArrayBuffer>;
  /**
   * Takes a filled chunk: `length` bytes in use, room for every frame's header included. The buffer belongs to the
   * sink from now on. A promise is awaited before the next chunk is taken.
   */
  sendChunk(buffer: ArrayBuffer, length: number): void | Promise<void>;
}

/**
 * Fills chunk after chunk. The free bytes are there to be written to directly: while `room` is not 0, put up to that
 * many into `bytes` at `at` and count them with `advance`; when it is 0, await `next` first.
 */
export class PackWriter {
  readonly #sink: ChunkSink;
  readonly #hash: crypto.Hash;
  #filler: ChunkFiller | undefined;
  /** Where the bytes that are not hashed yet start. */
  #unhashed = 0;
  #offset = 0;

  constructor(sink: ChunkSink, hash: HashName) {
    this.#sink = sink;
    this.#hash = crypto.createHash(hash);
  }

  /** Bytes of the pack written so far: where the next entry starts. */
  get offset(): number {
    return this.#offset;
  }

  get room(): number {
    return this.#filler ? this.#filler.room : 0;
  }

  get bytes(): Uint8Array {
    return this.#filler!.bytes;
  }

  get at(): number {
    return this.#filler!.at;
  }

  advance(n: number): void {
    const filler = this.#filler!;
    const end = filler.at + n;
    filler.advance(n);
    this.#offset += n;
    // Hashed a frame at a time: a call for every entry would cost more than the hash.
    if (filler.at !== end || filler.room === 0) this.#hashTo(end);
  }

  /** Sends the chunk, full or not, and begins another. */
  async next(): Promise<void> {
    await this.#send();
    this.#filler = new ChunkFiller(await this.#sink.takeChunk(), this.#sink.framing);
    this.#unhashed = this.#filler.at;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      if (this.room === 0) await this.next();
      const n = Math.min(this.room, bytes.length - from);
      this.bytes.set(bytes.subarray(from, from + n), this.at);
      this.advance(n);
      from += n;
    }
  }

  /** Writes the trailing hash and sends what is left. */
  async finish(): Promise<void> {
    if (this.#filler) this.#hashTo(this.#filler.at);
    await this.write(this.#hash.copy().digest());
    await this.#send();
  }

  #hashTo(end: number): void {
    const filler = this.#filler!;
    if (end > this.#unhashed) this.#hash.update(filler.bytes.subarray(this.#unhashed, end));
    this.#unhashed = filler.at;
  }

  async #send(): Promise<void> {
    const filler = this.#filler;
    if (!filler) return;
    this.#hashTo(filler.at);
    this.#filler = undefined;
    if (filler.length > 0) await this.#sink.sendChunk(filler.bytes.buffer, filler.length);
  }
}
