/** A pack into a bundle's file: made as for a client who takes it as fast as the disk does. */
import { SLOT_BYTES } from '../protocol/sideband.ts';
import type { PackSink } from './response-sink.ts';

const CHUNK_BYTES = 4 * SLOT_BYTES;

export class BundleSink implements PackSink {
  readonly framing = 'none';
  readonly waited = 0;
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  /** There is never more than one. */
  readonly #chunk = new ArrayBuffer(CHUNK_BYTES);

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  takeChunk(): ArrayBuffer {
    return this.#chunk;
  }

  sendChunk(buffer: ArrayBuffer, length: number): Promise<void> {
    return this.#write(new Uint8Array(buffer, 0, length));
  }

  closeBands(bytes: Uint8Array): Promise<void> {
    return this.#write(bytes);
  }

  sendProgress(): void {}
}
