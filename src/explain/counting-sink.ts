/** A response that goes nowhere: its bytes are counted. */
import { SLOT_BYTES } from '../protocol/sideband.ts';
import type { Leave, ResponseSink } from '../upload-pack/response-sink.ts';

const CHUNK_BYTES = 4 * SLOT_BYTES;

export class CountingSink implements ResponseSink {
  readonly framing = 'none';
  readonly waited = 0;
  /** Bytes of the response so far, without frames. */
  bytes = 0;
  readonly #onProgress: (text: string) => void;
  /** There is never more than one. */
  readonly #chunk = new ArrayBuffer(CHUNK_BYTES);

  constructor(onProgress: (text: string) => void = () => {}) {
    this.#onProgress = onProgress;
  }

  takeChunk(): ArrayBuffer {
    return this.#chunk;
  }

  sendChunk(_buffer: ArrayBuffer, length: number): void {
    this.bytes += length;
  }

  sendLines(bytes: Uint8Array): void {
    this.bytes += bytes.length;
  }

  openBands(bytes: Uint8Array): void {
    this.sendLines(bytes);
  }

  closeBands(bytes: Uint8Array): void {
    this.sendLines(bytes);
  }

  enter(): Leave {
    return 'here';
  }

  sendProgress(text: string): void {
    this.#onProgress(text);
  }
}
