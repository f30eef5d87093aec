/** Choices that look random, the same for the same seed. */
import { random } from '../support/history.ts';

export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = random(seed);
  }

  /** A whole number from 0 to less than `limit`. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  /** True one time in `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** A number below `limit` that is more often small. */
  small(limit: number): number {
    return this.below(1 + this.below(limit));
  }
}
