/** Limits by additive increase and multiplicative decrease. Time comes from outside. */

/** One lane's limit. */
export interface AdaptiveLimit {
  /** Places, 1 to `most`. */
  limit: number;
  readonly most: number;
}

const LEAST = 1;
const DECREASE = 0.5;
const INCREASE = 1;
/** Seconds. What has begun goes on, so it takes a while until lower limits show. */
export const COOL_DOWN = 5;
/** Seconds without a signal after which the limits rise, and rise again. */
export const CALM = 5;

export class AdaptiveLimits {
  readonly #limits: readonly AdaptiveLimit[];
  #backedOff = Number.NEGATIVE_INFINITY;
  #calmSince = Number.NEGATIVE_INFINITY;

  constructor(limits: readonly AdaptiveLimit[]) {
    this.#limits = limits;
  }

  get full(): boolean {
    return this.#limits.every(({ limit, most }) => limit === most);
  }

  get least(): boolean {
    return this.#limits.every(({ limit }) => limit === LEAST);
  }

  /**
   * @param now seconds, on any clock
   * @returns whether the limits fell; none falls again before the last fall can have shown
   */
  press(now: number): boolean {
    this.#calmSince = now;
    if (now - this.#backedOff < COOL_DOWN) return false;
    this.#backedOff = now;
    for (const each of this.#limits) each.limit = Math.max(LEAST, Math.floor(each.limit * DECREASE));
    return true;
  }

  /** Says that no signal asks for less. */
  calm(now: number): void {
    if (now - this.#calmSince < CALM) return;
    this.#calmSince = now;
    for (const each of this.#limits) each.limit = Math.min(each.most, each.limit + INCREASE);
  }
}
