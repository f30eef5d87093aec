/** The pack of one client that comes by way of the stream cache: as it is made, or out of a file. */
import { asPackhorseError, type PackhorseError } from '../errors.ts';
import { type Framing, frameBytes, SLOT_BYTES } from '../protocol/sideband.ts';
import type { StreamReader } from '../store/streams/stream.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import type { Build, Built } from './stream-cache/build.ts';
import type { Asker, CacheResult, PackRequest, StreamCache } from './stream-cache/stream-cache.ts';

/** Bytes read at a time: whole frames of the longest kind. */
const SLICE = 4 * SLOT_BYTES;

/** The client's side. */
export interface DeliveryHost {
  /**
   * The pack comes from a file.
   * @param isServed whether nothing is needed of the client's own task any more
   */
  reads(isServed: boolean): void;
  moved(ahead: number): void;
  /** Nothing can be refused any more. */
  begun(): void;
  progress(text: string): void;
  /** @param taken called when the client has the frames */
  write(frames: Uint8Array, taken: () => void): void;
  /** Whether the client may have more on its way. */
  readonly room: boolean;
  /** The pack has been handed over. */
  /** @param pays whether what the pack cost is to be said of this client */
  delivered(built: Statistics, pays: boolean): void;
  failed(error: PackhorseError, statistics: Statistics | undefined): void;
  /** The pack is to be made without the cache. */
  alone(): void;
}

export class PackDelivery implements Asker {
  readonly #host: DeliveryHost;
  readonly #frame: number;
  #build: Build | undefined;
  #reader: StreamReader | undefined;
  #resume: (() => void) | undefined;
  #result: CacheResult = 'bypass';
  #isGone = false;
  #pays = false;

  constructor(host: DeliveryHost, framing: Framing) {
    this.#host = host;
    this.#frame = frameBytes(framing);
  }

  get result(): CacheResult {
    return this.#result;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  async start(cache: StreamCache, request: PackRequest): Promise<void> {
    try {
      this.#build = await cache.ask(request, this);
    } catch (error) {
      this.failed(asPackhorseError(error), undefined);
    }
  }

  /**
   * Ends it: the client has gone, or is to go.
   * @param onEnd told what came of the pack where it was made for this client alone
   * @returns whether the client's own task is needed by others
   */
  leave(onEnd: (statistics: Statistics | undefined) => void): boolean {
    this.#end();
    if (this.#build) return this.#build.leave(this, onEnd);
    onEnd(undefined);
    return false;
  }

  /** The task of the client has failed: without it no one can begin to make the pack. */
  lost(error: PackhorseError): void {
    this.#end();
    this.#build?.lost(this, error);
  }

  answered(result: CacheResult): void {
    this.#result = result;
  }

  moved(ahead: number): void {
    this.#host.moved(ahead);
  }

  begun(): void {
    this.#host.begun();
  }

  progress(text: string): void {
    this.#host.progress(text);
  }

  chunk(frames: Uint8Array, taken: () => void): void {
    this.#host.write(frames, taken);
  }

  read(reader: StreamReader): void {
    if (this.#isGone) {
      reader.close();
      return;
    }
    this.#reader = reader;
    this.#host.reads(this.#result !== 'miss');
    void this.#send(reader);
  }

  ended(statistics: Statistics): void {
    this.#end();
    this.#host.delivered(statistics, this.#pays || this.#result === 'miss');
  }

  pays(): void {
    this.#pays = true;
  }

  failed(error: PackhorseError, statistics: Statistics | undefined): void {
    if (this.#isGone) return;
    this.#end();
    this.#host.failed(error, statistics);
  }

  alone(): void {
    if (this.#isGone) return;
    this.#end();
    this.#result = 'bypass';
    this.#host.alone();
  }

  async #send(reader: StreamReader): Promise<void> {
    try {
      let rest: Uint8Array = new Uint8Array();
      for (let bytes = await this.#next(reader); bytes; bytes = await this.#next(reader)) {
        const all = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
        // Between two writes others have their say, so none may end within a frame.
        const whole = all.length - (all.length % this.#frame);
        const isAll = all === bytes && whole === bytes.length;
        this.#host.write(all.subarray(0, whole), () => {
          if (isAll) reader.free(bytes);
          this.#resume?.();
        });
        rest = all.subarray(whole);
      }
      if (this.#isGone) return;
      this.#host.write(rest, () => {});
      const { statistics, total } = (await reader.tail) as Built;
      if (this.#result === 'hit') this.#host.progress(total);
      this.ended(statistics);
    } catch (error) {
      if (this.#isGone) return;
      this.#build?.leave(this, () => {});
      this.failed(asPackhorseError(error), undefined);
    }
  }

  /** What is next, when the client may have it; undefined at the end, and when the client has gone. */
  async #next(reader: StreamReader): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (!this.#host.room && !this.#isGone) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
    if (this.#isGone) return undefined;
    const bytes = await reader.read(SLICE);
    return this.#isGone ? undefined : bytes;
  }

  #end(): void {
    this.#isGone = true;
    this.#reader?.close();
    this.#resume?.();
  }
}
