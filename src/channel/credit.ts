/** Credit: how many bytes a task may still send before it waits. Waiting holds no thread. */

export class Credit {
  #window: number;
  /** Bytes on their way. */
  #outstanding = 0;
  #waiting: (() => void) | undefined;
  #waited = 0;

  /** @param window bytes that may be on their way at once */
  constructor(window: number) {
    this.#window = window;
  }

  /** Seconds spent waiting so far. */
  get waited(): number {
    return this.#waited;
  }

  /** Bytes on their way. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /**
   * Takes credit for `bytes`. More than the whole window may be taken at once, when nothing else is on its way.
   * @returns a promise where there is not enough yet; {@link release} lets it go on
   */
  take(bytes: number): void | Promise<void> {
    if (!this.#fits(bytes)) return this.#takeLater(bytes);
    this.#outstanding += bytes;
  }

  /** Waits, as {@link take} does, until there is credit for `bytes`, but takes none. */
  expect(bytes: number): void | Promise<void> {
    if (!this.#fits(bytes)) return this.#wait(bytes);
  }

  /**
   * @param bytes that are not on their way any more
   * @param window the new one, where it has changed
   */
  give(bytes: number, window?: number): void {
    this.#outstanding -= bytes;
    if (window !== undefined) this.#window = window;
    this.#waiting?.();
  }

  /** Lets the one who waits go on with or without credit: the task is over. */
  release(): void {
    this.#window = Number.POSITIVE_INFINITY;
    this.#waiting?.();
  }

  #fits(bytes: number): boolean {
    return this.#outstanding + bytes <= this.#window || this.#outstanding <= 0;
  }

  async #takeLater(bytes: number): Promise<void> {
    await this.#wait(bytes);
    this.#outstanding += bytes;
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
  }
}
