/** Looks at the signals, lowers and raises the limits, and says so. */
import type { Logger } from 'pino';
import { type AdaptiveLimit, AdaptiveLimits } from './adaptive-limits.ts';
import type { Signal, Watcher } from './signals.ts';

export interface LimitControllerOptions {
  /** By the names of their lanes. */
  readonly limits: Readonly<Record<string, AdaptiveLimit>>;
  readonly signals: readonly Signal[];
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/** Milliseconds. */
const INTERVAL = 1000;

export class LimitController {
  /** How often the limits were lowered, by what asked for it. */
  readonly backOffs: Record<Watcher, number> = { memory: 0, cpu: 0, loop: 0 };
  readonly #options: LimitControllerOptions;
  readonly #limits: AdaptiveLimits;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LimitControllerOptions) {
    this.#options = options;
    this.#limits = new AdaptiveLimits(Object.values(options.limits));
  }

  start(): void {
    // How it was while the service started does not count.
    for (const signal of this.#options.signals) signal.sample();
    this.#timer ??= setInterval(() => this.look(performance.now() / 1000), INTERVAL).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const signal of this.#options.signals) signal.close();
  }

  /** @param now seconds, on any clock */
  look(now: number): void {
    const pressing = this.#options.signals
      .map((signal) => ({ watcher: signal.watcher, most: signal.most, value: signal.sample() }))
      .filter(({ value, most }) => value > most);
    if (pressing.length === 0) {
      const wasFull = this.#limits.full;
      this.#limits.calm(now);
      if (!wasFull && this.#limits.full) {
        this.#options.logger.info({ limits: this.#now() }, 'limits are back at their most');
      }
      return;
    }
    const wereLeast = this.#limits.least;
    if (!this.#limits.press(now)) return;
    for (const { watcher } of pressing) this.backOffs[watcher]++;
    if (wereLeast) return;
    const signals = Object.fromEntries(pressing.map(({ watcher, value }) => [watcher, value]));
    this.#options.logger.warn({ signals, limits: this.#now() }, 'limits lowered');
  }

  #now(): Record<string, number> {
    const lanes = Object.entries(this.#options.limits);
    return Object.fromEntries(lanes.map(([lane, { limit }]) => [lane, limit]));
  }
}
