/** Something to say where a proxy would else take silence for the end. */

export class Keepalive {
  readonly #timer: NodeJS.Timeout | undefined;

  /**
   * @param seconds of silence; 0: it never says anything
   * @param send called after each so many seconds without a {@link touch}
   */
  constructor(seconds: number, send: () => void) {
    if (seconds > 0) this.#timer = setInterval(send, seconds * 1000).unref();
  }

  /** Says that something has been said. */
  touch(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
