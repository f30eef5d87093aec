/** Leaves a store alone for a while that fails again and again. */
import type { Logger } from 'pino';
import { Breaker } from '../breaker.ts';

const COOL_DOWN = 30_000;
const LIMITS = { losses: 5, within: 60_000, coolDown: COOL_DOWN };

export class StoreHealth {
  readonly #breaker = new Breaker(LIMITS);
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get isUp(): boolean {
    return !this.#breaker.isOpen;
  }

  /** The store has answered, whatever it said. */
  answered(): void {
    this.#breaker.worked();
  }

  /** @param reason without anything secret */
  failed(reason: string): void {
    const wasUp = this.isUp;
    this.#breaker.lost();
    if (!wasUp || this.isUp) return;
    this.#logger.warn({ reason }, `the shared cache fails; it is left alone for ${COOL_DOWN / 1000} s`);
  }
}
