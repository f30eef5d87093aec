/** Clients that come without end, so many at a time, until it is enough. */

export class StreamOfClients {
  /** What went wrong, one text for each client that failed. */
  readonly failures: string[] = [];
  /** Clients that are done, well or not. */
  #ended = 0;
  #over = false;
  readonly #lines: Promise<unknown>;
  readonly #looks = new Set<() => void>();

  /** @param client rejects when it fails */
  constructor(atATime: number, client: () => Promise<void>) {
    this.#lines = Promise.all(Array.from({ length: atATime }, () => this.#line(client)));
  }

  /** Waits for clients until it holds. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
  }

  /** Waits for so many more. */
  more(count: number): Promise<void> {
    const enough = this.#ended + count;
    return this.until(() => this.#ended >= enough);
  }

  /** Lets those who are there finish. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#lines;
  }

  async #line(client: () => Promise<void>): Promise<void> {
    while (!this.#over) {
      try {
        await client();
      } catch (error) {
        this.failures.push(String(error));
      }
      this.#ended++;
      for (const look of this.#looks) look();
    }
  }
}
