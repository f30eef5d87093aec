/** How long clients may take. None of these limits the whole time of an answer. */

/** Seconds; 0: any time. */
export interface ClientTimeouts {
  /** A client whose turn it is to speak says nothing. */
  readonly idle: number;
  /** From the first byte of what a client asks on a connection until the server has heard enough. */
  readonly negotiation: number;
  /** A client takes no byte of what waits for it. */
  readonly stall: number;
}

/** Tells once when nothing has happened for so long. */
export class IdleTimer {
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #onIdle: () => void;
  #touched = false;
  #stopped = false;

  /** @param seconds 0: never */
  constructor(seconds: number, onIdle: () => void) {
    this.#onIdle = onIdle;
    if (seconds > 0) this.#timer = setTimeout(() => this.#look(), seconds * 1000).unref();
  }

  /** Says that something has happened. */
  touch(): void {
    this.#touched = true;
    this.#timer?.refresh();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** A thread that was held up sees its timers before it sees what has come in meanwhile, so that is waited for. */
  #look(): void {
    this.#touched = false;
    setImmediate(() => {
      if (!this.#touched && !this.#stopped) this.#onIdle();
    });
  }
}
