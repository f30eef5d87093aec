/** What each repository and client had lately, so that who had less comes first. */

/** Seconds in which half of what was used is forgotten. */
const HALF_LIFE = 30;
/** So many keys are kept before those are looked for that can be forgotten. */
const MOST_KEPT = 1000;
const FORGOTTEN = 0.01;

export class Usage {
  readonly #used = new Map<string, { amount: number; at: number }>();

  /** @param now seconds on a clock that never goes back; what is to be compared is asked for at one time */
  of(key: string, now: number): number {
    const used = this.#used.get(key);
    return used ? used.amount * 2 ** ((used.at - now) / HALF_LIFE) : 0;
  }

  add(key: string, amount: number, now: number): void {
    if (!this.#used.has(key) && this.#used.size >= MOST_KEPT) this.#forget(now);
    this.#used.set(key, { amount: this.of(key, now) + amount, at: now });
  }

  #forget(now: number): void {
    for (const key of this.#used.keys()) if (this.of(key, now) < FORGOTTEN) this.#used.delete(key);
  }
}
