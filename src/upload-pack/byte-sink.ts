/** A response as bytes: what the library and the stdio door write. */
import { encodeSideband, SLOT_BYTES, stampFrames } from '../protocol/sideband.ts';
import type { ResponseSink } from './response-sink.ts';

/** Takes bytes, at most 65,520, that are its own from then on; a promise is awaited before the next call. */
export type Write = (bytes: Uint8Array) => void | Promise<void>;

export class ByteSink implements ResponseSink {
  readonly #write: Write;
  #tail: Promise<void> = Promise.resolve();
  #waited = 0;
  #inPack = false;

  constructor(write: Write) {
    this.#write = write;
  }

  get waited(): number {
    return this.#waited;
  }

  /** Whether the pack section has begun. */
  get inPack(): boolean {
    return this.#inPack;
  }

  takeChunk(): ArrayBuffer {
    return new ArrayBuffer(SLOT_BYTES);
  }

  sendChunk(buffer: ArrayBuffer, length: number): Promise<void> {
    const frame = new Uint8Array(buffer, 0, length);
    stampFrames(frame);
    return this.#send(frame);
  }

  sendLines(bytes: Uint8Array): Promise<void> {
    return this.#send(new Uint8Array(bytes));
  }

  openPack(line: Uint8Array): Promise<void> {
    this.#inPack = true;
    return this.#send(line);
  }

  sendProgress(text: string): void {
    this.#send(encodeSideband(2, text)).catch(() => {}); // the next write that is awaited fails too
  }

  /** One write after the other, in the order of the calls. */
  #send(bytes: Uint8Array): Promise<void> {
    this.#tail = this.#tail.then(async () => {
      const start = performance.now();
      for (let from = 0; from < bytes.length; from += SLOT_BYTES) {
        await this.#write(bytes.subarray(from, from + SLOT_BYTES));
      }
      this.#waited += (performance.now() - start) / 1000;
    });
    return this.#tail;
  }
}
