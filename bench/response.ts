/** Reads the response to a `fetch` as it comes: checks framing and pack, keeps nothing. */
import crypto from 'node:crypto';
import { type FrameHandlers, Frames } from './frames.ts';

const PACK_HEADER = 12;

export class FetchResponse {
  /** As the pack's header says; undefined until it is there. */
  objects: number | undefined;
  readonly #frames: Frames;
  readonly #hash: crypto.Hash;
  readonly #hashBytes: number;
  /** The last bytes of the pack, which may be its trailer. */
  readonly #tail: Buffer;
  #tailLength = 0;
  readonly #header = Buffer.alloc(PACK_HEADER);
  #headerLength = 0;

  constructor(format: string, { onPack, onProgress }: FrameHandlers = {}) {
    this.#hash = crypto.createHash(format);
    this.#hashBytes = format === 'sha1' ? 20 : 32;
    this.#tail = Buffer.alloc(this.#hashBytes);
    this.#frames = new Frames({
      onPack: (data) => {
        this.#pack(data);
        onPack?.(data);
      },
      ...(onProgress && { onProgress }),
    });
  }

  /** Bytes of the pack so far, trailer included. */
  get packBytes(): number {
    return this.#frames.packBytes;
  }

  /** Of the whole pack, in hexadecimal digits: what its trailer says. */
  get checksum(): string {
    return this.#tail.toString('hex');
  }

  /** @throws Error when the bytes are no valid response, or tell of a failure */
  push(bytes: Buffer): void {
    this.#frames.push(bytes);
  }

  /** @throws Error when the response is not whole, or its trailing hash is wrong */
  end(): void {
    this.#frames.end();
    if (!this.#hash.digest().equals(this.#tail)) throw new Error("the pack's trailing hash is wrong");
  }

  #pack(data: Buffer): void {
    if (this.#headerLength < PACK_HEADER) {
      this.#headerLength += data.copy(this.#header, this.#headerLength);
      if (this.#headerLength === PACK_HEADER) this.#readHeader();
    }
    const over = this.#tailLength + data.length - this.#hashBytes;
    const fromTail = Math.min(this.#tailLength, Math.max(0, over));
    this.#hash.update(this.#tail.subarray(0, fromTail));
    this.#tail.copyWithin(0, fromTail, this.#tailLength);
    this.#tailLength -= fromTail;
    const kept = Math.min(data.length, this.#hashBytes - this.#tailLength);
    this.#hash.update(data.subarray(0, data.length - kept));
    data.copy(this.#tail, this.#tailLength, data.length - kept);
    this.#tailLength += kept;
  }

  #readHeader(): void {
    if (this.#header.toString('latin1', 0, 4) !== 'PACK') throw new Error('the pack has no header');
    this.objects = this.#header.readUInt32BE(8);
  }
}
