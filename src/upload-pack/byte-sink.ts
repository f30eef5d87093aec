/** A response as bytes: what the library and the stdio door write. */
import type { PackhorseError } from '../errors.ts';
import { Keepalive } from '../keepalive.ts';
import { encodeFailure } from '../protocol/failure.ts';
import {
  encodeSideband,
  encodeSidebandFrame,
  type Framing,
  SLOT_BYTES,
  stampFrames,
} from '../protocol/sideband.ts';
import type { Leave, PlaceRequest, ResponseSink } from './response-sink.ts';

/** Takes bytes, at most 65,520, that are its own from then on; a promise is awaited before the next call. */
export type Write = (bytes: Uint8Array) => void | Promise<void>;

export interface ByteSinkOptions {
  /** Takes progress where there is no band for it. */
  readonly onProgress?: ((text: string) => void) | undefined;
}

export class ByteSink implements ResponseSink {
  readonly #write: Write;
  readonly #onProgress: (text: string) => void;
  #tail: Promise<void> = Promise.resolve();
  #waited = 0;
  #bands: Framing | undefined;
  #keepalive: Keepalive | undefined;
  /** Writes that are not done. */
  #pending = 0;

  constructor(write: Write, { onProgress = () => {} }: ByteSinkOptions = {}) {
    this.#write = write;
    this.#onProgress = onProgress;
  }

  get waited(): number {
    return this.#waited;
  }

  get framing(): Framing {
    return this.#bands ?? 'none';
  }

  takeChunk(): ArrayBuffer {
    return new ArrayBuffer(SLOT_BYTES);
  }

  sendChunk(buffer: ArrayBuffer, length: number): Promise<void> {
    const frames = new Uint8Array(buffer, 0, length);
    stampFrames(frames, this.framing);
    return this.#send(frames);
  }

  sendLines(bytes: Uint8Array): Promise<void> {
    return this.#send(new Uint8Array(bytes));
  }

  openBands(bytes: Uint8Array, framing: Framing): Promise<void> {
    this.#bands = framing;
    return this.sendLines(bytes);
  }

  closeBands(bytes: Uint8Array): Promise<void> {
    this.#bands = undefined;
    this.#keepalive?.stop();
    return this.sendLines(bytes);
  }

  /** Where there is one client, there is always a place. */
  enter({ keepAlive, band }: PlaceRequest): Leave {
    this.#keepalive = new Keepalive(keepAlive, () => {
      if (this.framing === 'none' || this.#pending > 0) return;
      this.#send(encodeSidebandFrame(band, '')).catch(() => {});
    });
    return 'here';
  }

  sendProgress(text: string): void {
    if (this.framing === 'none') this.#onProgress(text);
    // The next write that is awaited fails too.
    else this.#send(encodeSideband(2, text, this.framing)).catch(() => {});
  }

  /** Tells the client why the response ends here, as far as it can be told. */
  sendFailure(error: PackhorseError): Promise<void> {
    this.#keepalive?.stop();
    return this.#send(encodeFailure(error, this.#bands));
  }

  /** One write after the other, in the order of the calls. */
  #send(bytes: Uint8Array): Promise<void> {
    this.#pending++;
    this.#tail = this.#tail.then(async () => {
      const start = performance.now();
      for (let from = 0; from < bytes.length; from += SLOT_BYTES) {
        await this.#write(bytes.subarray(from, from + SLOT_BYTES));
      }
      this.#waited += (performance.now() - start) / 1000;
      this.#pending--;
      this.#keepalive?.touch();
    });
    return this.#tail;
  }
}
