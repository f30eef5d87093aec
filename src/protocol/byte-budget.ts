/** Memory that many hold at once. */

export class ByteBudget {
  readonly limit: number;
  #held = 0;

  /** @param limit bytes that all may hold together */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes held now. */
  get held(): number {
    return this.#held;
  }

  /** The share of one more. */
  open(): ByteShare {
    return new ByteShare(this, (bytes) => {
      this.#held += bytes;
    });
  }
}

/**
 * What one of them holds: never more than what it leaves free, so that a few who hold much never keep out those who
 * hold little.
 */
export class ByteShare {
  readonly #budget: ByteBudget;
  readonly #add: (bytes: number) => void;
  #held = 0;

  constructor(budget: ByteBudget, add: (bytes: number) => void) {
    this.#budget = budget;
    this.#add = add;
  }

  get held(): number {
    return this.#held;
  }

  /** @returns whether they fit; where not, nothing has changed */
  take(bytes: number): boolean {
    const { limit, held } = this.#budget;
    if (this.#held + bytes > limit - held - bytes) return false;
    this.#held += bytes;
    this.#add(bytes);
    return true;
  }

  /** Gives back everything. */
  release(): void {
    this.#add(-this.#held);
    this.#held = 0;
  }
}
