/** Answers that hold for a short while. Whoever asks the same meanwhile, or while it is being asked, gets the same. */

/** Answers at most; the oldest goes first. */
const MOST_ANSWERS = 10_000;

interface Kept<T> {
  readonly answer: Promise<T>;
  /** Milliseconds on the clock; no end while it is being asked. */
  until: number;
}

export class AnswerCache<T> {
  readonly #kept = new Map<string, Kept<T>>();
  readonly #lifetime: (answer: T) => number;
  readonly #now: () => number;
  readonly #most: number;

  /**
   * @param lifetime milliseconds for which an answer holds, from when it was asked for
   * @param now milliseconds on a clock that never goes back
   */
  constructor(lifetime: (answer: T) => number, now = () => performance.now(), most = MOST_ANSWERS) {
    this.#lifetime = lifetime;
    this.#now = now;
    this.#most = most;
  }

  /** A failure is told to all who wait for it, and not kept. */
  get(key: string, ask: () => Promise<T>): Promise<T> {
    const asked = this.#now();
    const known = this.#kept.get(key);
    if (known && known.until > asked) return known.answer;
    this.#kept.delete(key);
    if (this.#kept.size >= this.#most) this.#kept.delete(this.#kept.keys().next().value!);
    const kept: Kept<T> = { answer: ask(), until: Number.POSITIVE_INFINITY };
    this.#kept.set(key, kept);
    kept.answer.then(
      (answer) => {
        kept.until = asked + this.#lifetime(answer);
      },
      () => this.#forget(key, kept),
    );
    return kept.answer;
  }

  #forget(key: string, kept: Kept<T>): void {
    if (this.#kept.get(key) === kept) this.#kept.delete(key);
  }
}
