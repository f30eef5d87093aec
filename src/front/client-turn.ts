/** Whose turn it is on a connection, and how long a client may take over its own. */
import type { Writable } from 'node:stream';
import { clientIdle, negotiationTimeout, type PackhorseError } from '../errors.ts';
import type { Drain } from './drain.ts';
import { type ClientTimeouts, IdleTimer } from './timeouts.ts';

export interface ClientTurnOptions {
  readonly timeouts: ClientTimeouts;
  readonly drain: Drain;
  /** Asked before each request; rejects with the PackhorseError that the client is to be told. Without it, all may begin. */
  readonly permit?: (() => Promise<void>) | undefined;
}

export class ClientTurn {
  readonly #stream: Writable;
  readonly #timeouts: ClientTimeouts;
  readonly #closing: AbortSignal;
  readonly #permit: (() => Promise<void>) | undefined;
  readonly #end: (reason: PackhorseError) => void;
  #timer: IdleTimer | undefined;
  /** Whether the client has said something that is not answered yet. */
  #asks = false;
  /** Whether the request that begins next may; what comes before the first has been allowed with the connection. */
  #mayBegin = true;
  /** When it must have said all, in milliseconds on the process's clock. */
  #deadline = Number.POSITIVE_INFINITY;

  /** @param end told why the client is to be let go */
  constructor(
    stream: Writable,
    { timeouts, drain, permit }: ClientTurnOptions,
    end: (reason: PackhorseError) => void,
  ) {
    this.#stream = stream;
    this.#timeouts = timeouts;
    this.#closing = drain.closing;
    this.#permit = permit;
    this.#end = end;
    this.#closing.addEventListener('abort', this.#endIfQuiet);
  }

  /** Whether the service takes nothing new. */
  get isClosing(): boolean {
    return this.#closing.aborted;
  }

  /**
   * The client has said something.
   * @returns where that has to be found out first: whether it may be heard
   */
  spoke(): Promise<boolean> | undefined {
    this.#timer?.stop();
    if (this.#asks) return undefined;
    this.#asks = true;
    const { negotiation } = this.#timeouts;
    if (negotiation > 0) this.#deadline = performance.now() + negotiation * 1000;
    this.#mayBegin = true;
    return this.#permit && this.#ask(this.#permit);
  }

  /**
   * The worker begins with a request.
   * @returns where that has to be found out first: whether it may
   */
  began(): Promise<boolean> | undefined {
    const wasAsked = this.#mayBegin;
    this.#mayBegin = false;
    if (wasAsked || !this.#permit) return undefined;
    // It came along with the one before it, so no one could tell that it is another.
    this.#asks = true;
    return this.#ask(this.#permit);
  }

  /** The worker waits for more. */
  begins(): void {
    this.#timer?.stop();
    const left = (this.#deadline - performance.now()) / 1000;
    if (left <= 0) {
      this.#end(negotiationTimeout());
      return;
    }
    const { idle } = this.#timeouts;
    const seconds = Math.min(idle || Number.POSITIVE_INFINITY, left);
    if (seconds < Number.POSITIVE_INFINITY) this.#timer = new IdleTimer(seconds, () => this.#isOver(seconds));
  }

  /** The client has its answer. */
  answered(): void {
    this.#asks = false;
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  /** It is no one's turn any more. */
  stop(): void {
    this.#timer?.stop();
    this.#closing.removeEventListener('abort', this.#endIfQuiet);
  }

  /** Lets go of a client that is not being served while the service takes nothing new. */
  look(): void {
    this.#endIfQuiet();
  }

  async #ask(permit: () => Promise<void>): Promise<boolean> {
    try {
      await permit();
      return true;
    } catch (error) {
      this.#end(error as PackhorseError);
      return false;
    }
  }

  #isOver(seconds: number): void {
    // One that has not taken its answer yet cannot know that it is its turn.
    if (this.#stream.writableLength > 0) this.begins();
    else this.#end(seconds === this.#timeouts.idle ? clientIdle() : negotiationTimeout());
  }

  readonly #endIfQuiet = (): void => {
    if (this.#closing.aborted && !this.#asks) this.#end(this.#closing.reason as PackhorseError);
  };
}
