/** Samples memory, keeps the high-water marks, and warns when the process comes near its limit. */
import type { Logger } from 'pino';
import type { ActiveFetches } from './active-fetches.ts';
import type { MemoryMeasure, MemoryUse } from './pressure/memory-use.ts';
import type { StreamBudget } from './stream-budget.ts';

/**
 * Bytes. `used` is what counts against the limit, `rss` the whole process, `heap` and `external` the main thread's,
 * `inflight` all streams'.
 */
export interface MemorySample {
  used: number;
  rss: number;
  heap: number;
  external: number;
  inflight: number;
}

export interface MemoryWatchOptions {
  readonly inflight: Pick<StreamBudget, 'bytes' | 'high'>;
  readonly active: Pick<ActiveFetches, 'list'>;
  readonly logger: Pick<Logger, 'warn'>;
  readonly measure: MemoryMeasure;
  /** Share of the limit from which on it warns, 0 to 1. */
  readonly warnRatio: number;
}

const INTERVAL = 1000;
/** It warns again only after memory has fallen this far below the mark. */
const CALM = 0.95;

export class MemoryWatch {
  readonly high: MemorySample = { used: 0, rss: 0, heap: 0, external: 0, inflight: 0 };
  #now: MemorySample;
  #use: MemoryUse;
  readonly #options: MemoryWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #warned = false;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#use = options.measure.use(0);
    this.#now = this.sample();
  }

  /** The last sample. */
  get now(): Readonly<MemorySample> {
    return this.#now;
  }

  /** The use that was nearest to its limit then, of those that there are. */
  get use(): MemoryUse {
    return this.#use;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.sample(), INTERVAL).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Takes one sample, and warns where that is due. */
  sample(): MemorySample {
    const { rss, heapUsed, external } = process.memoryUsage();
    const { inflight, measure } = this.#options;
    this.#use = measure.use(rss);
    this.#now = { used: this.#use.used, rss, heap: heapUsed, external, inflight: inflight.bytes };
    const most = { ...this.#now, inflight: inflight.high };
    for (const kind of Object.keys(most) as (keyof MemorySample)[]) {
      this.high[kind] = Math.max(this.high[kind], most[kind]);
    }
    this.#warn(this.#use);
    return this.#now;
  }

  #warn({ used, limit }: MemoryUse): void {
    const mark = limit * this.#options.warnRatio;
    if (used < mark * CALM) this.#warned = false;
    if (used < mark || this.#warned) return;
    this.#warned = true;
    const fetches = this.#options.active.list().map(({ id, repository, command, started }) => ({
      id,
      repository,
      command,
      seconds: Math.round((performance.now() - started) / 1000),
    }));
    const memory = { ...this.#now, limit };
    this.#options.logger.warn({ memory, fetches }, 'memory is near its limit');
  }
}
