/**
 * Refuses new work while workers are lost one after the other: what kills them comes again with the next request. Other
 * things that fail are left alone by the same rules.
 */
import { notReady, type PackhorseError } from '../errors.ts';

export interface BreakerLimits {
  /** Losses that open it, within so many milliseconds. */
  readonly losses: number;
  readonly within: number;
  /** Milliseconds for which it is open. */
  readonly coolDown: number;
}

export const BREAKER_LIMITS: BreakerLimits = { losses: 5, within: 60_000, coolDown: 10_000 };

/**
 * Closed, it counts losses. Open, it refuses, and nothing is tried. After that comes a trial as long as losses are
 * counted: work is taken, and a single loss opens it again.
 */
export class Breaker {
  readonly #limits: BreakerLimits;
  readonly #now: () => number;
  /** When workers were lost, the latest last: as many as open it. */
  #losses: number[] = [];
  #closesAt = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds on a clock that never goes back */
  constructor(limits: BreakerLimits = BREAKER_LIMITS, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  get isOpen(): boolean {
    return this.#now() < this.#closesAt;
  }

  /** Says that a worker was lost. Those that go down while it is open had their work before. */
  lost(): void {
    const { losses, within, coolDown } = this.#limits;
    const now = this.#now();
    if (now < this.#closesAt) return;
    this.#losses = [...this.#losses.filter((at) => now - at < within), now];
    const isOnTrial = now - this.#closesAt < within;
    if (this.#losses.length < losses && !isOnTrial) return;
    this.#closesAt = now + coolDown;
    this.#losses = [];
  }

  /** Says that it works: what was lost before does not count any more. Where nothing that works can tell, it is not called. */
  worked(): void {
    if (this.isOpen) return;
    this.#losses = [];
    this.#closesAt = Number.NEGATIVE_INFINITY;
  }

  /** Why new work is not taken now; undefined when it is. */
  refusal(): PackhorseError | undefined {
    const left = this.#closesAt - this.#now();
    return left > 0 ? notReady('workers are lost one after the other', Math.ceil(left / 1000)) : undefined;
  }
}
