/** Credit: how many bytes a task may still send before it waits. Waiting holds no thread. */

export class Credit {
  readonly #window: number;
  #available: number;
  #waiting: (() => void) | undefined;
  #waited = 0;

  /** @param window bytes that may be on their way at once */
  constructor(window: number) {
    this.#window = window;
    this.#available = window;
  }

  /** Seconds spent waiting so far. */
  get waited(): number {
    return this.#waited;
  }

  /** Bytes on their way. */
  get outstanding(): number {
    return this.#window - this.#available;
  }

  /**
   * Takes credit for `bytes`. More than the whole window may be taken at once, when nothing else is on its way.
   * @returns a promise where there is not enough yet; {@link release} lets it go on
   */
  take(bytes: number): void | Promise<void> {
    if (this.#fits(bytes)) {
      this.#available -= bytes;
      return;
    }
    return this.#wait(bytes);
  }

  give(bytes: number): void {
    this.#available += bytes;
    this.#waiting?.();
  }

  /** Lets the one who waits go on with or without credit: the task is over. */
  release(): void {
    this.#available = Number.POSITIVE_INFINITY;
    this.#waiting?.();
  }

  #fits(bytes: number): boolean {
    return bytes <= this.#available || this.#available >= this.#window;
  }

  async #wait(bytes: number): Promise<void> {
    const start = performance.now();
    while (!this.#fits(bytes)) {
      await new Promise<void>((resume) => {
        this.#waiting = resume;
      });
    }
    this.#waiting = undefined;
    this.#waited += (performance.now() - start) / 1000;
    this.#available -= bytes;
  }
}
