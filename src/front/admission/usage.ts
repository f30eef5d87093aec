/** What each repository and client had lately, so that who had less comes first. */

/** Seconds in which half of what was used is forgotten. */
const HALF_LIFE = 30;
/** So many keys are kept before those are looked for that can be forgotten. */
const MOST_KEPT = 1000;
const FORGOTTEN = 0.01;

export class Usage {
  readonly #now: () => number;
  readonly #used = new Map<string, { amount: number; at: number }>();

  /** @param now seconds on a clock that never goes back */
  constructor(now: () => number = () => performance.now() / 1000) {
    this.#now = now;
  }

  of(key: string): number {
    const used = this.#used.get(key);
    return used ? used.amount * 2 ** ((used.at - this.#now()) / HALF_LIFE) : 0;
  }

  add(key: string, amount: number): void {
    if (!this.#used.has(key) && this.#used.size >= MOST_KEPT) this.#forget();
    this.#used.set(key, { amount: this.of(key) + amount, at: this.#now() });
  }

  #forget(): void {
    for (const key of this.#used.keys()) if (this.of(key) < FORGOTTEN) this.#used.delete(key);
  }
}
