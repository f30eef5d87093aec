/** What may end an exchange before its time: a client that takes nothing, or is silent, or a service that must end. */
import type { Writable } from 'node:stream';
import { type PackhorseError, stalled } from '../errors.ts';
import type { Drain } from './drain.ts';
import type { ClientTimeouts } from './timeouts.ts';

/** A socket, a response or a stream of HTTP/2. Each knows whether the system still takes bytes of it. */
export type TimedStream = Writable & { setTimeout(milliseconds: number): unknown };

export interface EarlyEndOptions {
  readonly timeouts: ClientTimeouts;
  readonly drain: Drain;
}

/** Milliseconds that a client may take to hear why it is cut off. */
const LINGER = 5000;

export class EarlyEnd {
  readonly #stream: TimedStream;
  readonly #drain: Drain;
  readonly #control = new AbortController();
  #linger: NodeJS.Timeout | undefined;

  constructor(stream: TimedStream, { timeouts, drain }: EarlyEndOptions) {
    this.#stream = stream;
    this.#drain = drain;
    if (timeouts.stall > 0) {
      stream.setTimeout(timeouts.stall * 1000);
      stream.on('timeout', this.#onTimeout);
    }
    drain.cutOff.addEventListener('abort', this.#onCutOff);
    if (drain.cutOff.aborted) this.#onCutOff();
  }

  /** Aborted when the work is to end, with the PackhorseError that its client is to be told. */
  get signal(): AbortSignal {
    return this.#control.signal;
  }

  /** Ends it, as soon as the client has taken what it is sent. */
  because(reason: PackhorseError): void {
    this.#control.abort(reason);
  }

  /** Says that it has ended. */
  close(): void {
    clearTimeout(this.#linger);
    this.#stream.off('timeout', this.#onTimeout);
    this.#drain.cutOff.removeEventListener('abort', this.#onCutOff);
  }

  /**
   * Node.js has seen no byte move: not into the system's buffers either, so that a chunk may take a slow client as long
   * as it likes. A server that has nothing to send is no stall.
   */
  readonly #onTimeout = (): void => {
    if (this.#stream.writableLength === 0) return;
    this.because(stalled());
    this.#stream.destroy();
  };

  readonly #onCutOff = (): void => {
    this.because(this.#drain.cutOff.reason as PackhorseError);
    this.#linger = setTimeout(() => this.#stream.destroy(), LINGER).unref();
  };
}
