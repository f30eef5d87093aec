/** Samples memory, keeps the high-water marks, and warns when the process comes near its limit. */
import os from 'node:os';
import type { Logger } from 'pino';
import type { ActiveFetches } from './active-fetches.ts';
import type { StreamBudget } from './stream-budget.ts';

/** Bytes. `rss` is the whole process, `heap` and `external` the main thread's, `inflight` all streams'. */
export interface MemorySample {
  rss: number;
  heap: number;
  external: number;
  inflight: number;
}

export interface MemoryWatchOptions {
  readonly inflight: Pick<StreamBudget, 'bytes' | 'high'>;
  readonly active: Pick<ActiveFetches, 'list'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Bytes; without it, the control group's limit, or else the memory of the machine. */
  readonly limit?: number | undefined;
  /** Share of the limit from which on it warns, 0 to 1. */
  readonly warnRatio: number;
}

const INTERVAL = 1000;
/** It warns again only after memory has fallen this far below the mark. */
const CALM = 0.95;

export class MemoryWatch {
  readonly limit: number;
  readonly high: MemorySample = { rss: 0, heap: 0, external: 0, inflight: 0 };
  #now: MemorySample;
  readonly #options: MemoryWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #warned = false;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.limit = options.limit ?? memoryLimit();
    this.#now = this.sample();
  }

  /** The last sample. */
  get now(): Readonly<MemorySample> {
    return this.#now;
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
    const { inflight } = this.#options;
    this.#now = { rss, heap: heapUsed, external, inflight: inflight.bytes };
    const most = { ...this.#now, inflight: inflight.high };
    for (const kind of Object.keys(most) as (keyof MemorySample)[]) {
      this.high[kind] = Math.max(this.high[kind], most[kind]);
    }
    this.#warn(rss);
    return this.#now;
  }

  #warn(rss: number): void {
    const mark = this.limit * this.#options.warnRatio;
    if (rss < mark * CALM) this.#warned = false;
    if (rss < mark || this.#warned) return;
    this.#warned = true;
    const fetches = this.#options.active.list().map(({ id, repository, command, started }) => ({
      id,
      repository,
      command,
      seconds: Math.round((performance.now() - started) / 1000),
    }));
    const memory = { ...this.#now, limit: this.limit };
    this.#options.logger.warn({ memory, fetches }, 'memory is near its limit');
  }
}

/** The control group's memory limit where there is one, else all memory of the machine. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory() ?? 0;
  const total = os.totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
}
