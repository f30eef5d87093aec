/** How often keys were asked for lately, within a bound of memory and of time, each in constant time. */

/** Keys that are remembered at most: about 15 MB. */
const MOST_KEYS = 100_000;

export class Sightings {
  readonly #enough: number;
  readonly #period: number;
  readonly #mostKeys: number;
  /**
   * Two generations of counters. When the younger one is full or old it takes the place of the older one, whose keys are
   * forgotten but for those that were seen again since.
   */
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #began = 0;

  /**
   * @param enough counters stop there
   * @param period for at least so many milliseconds a key is remembered, and for less than three times as many, unless half
   *   of `mostKeys` others come meanwhile
   */
  constructor(enough: number, period: number, mostKeys = MOST_KEYS) {
    this.#enough = enough;
    this.#period = period;
    this.#mostKeys = mostKeys;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Counts a sighting. How many there were, this one included. */
  saw(key: string, time: number): number {
    if (time - this.#began >= this.#period || this.#young.size >= this.#mostKeys / 2) {
      // After a long silence those of the younger generation are too old as well.
      this.#old = time - this.#began >= 2 * this.#period ? new Map() : this.#young;
      this.#young = new Map();
      this.#began = time;
    }
    const count = Math.min(this.#enough, this.countOf(key) + 1);
    this.#old.delete(key);
    this.#young.set(key, count);
    return count;
  }

  countOf(key: string): number {
    return this.#young.get(key) ?? this.#old.get(key) ?? 0;
  }
}
