/**
 * What is done while memory is short, beside lowering limits. Those who wait for their client have given their place to the
 * next and keep their memory, so lower limits alone would not end its growth: no other pack is begun. And what workers
 * have no use for is collected, as one that has nothing to do would keep it.
 */
import { type MemoryUse, share } from './memory-use.ts';

/** Share of the limit above which memory is short: packs that have begun still grow, and what is left is for them. */
export const MOST_MEMORY = 0.85;

export interface MemoryGuardOptions {
  readonly memory: { readonly use: MemoryUse };
  /** Told when memory becomes short, and when that is over. */
  readonly onShort: (isShort: boolean) => void;
  readonly collectGarbage: () => void;
}

/** Milliseconds. */
const INTERVAL = 1000;
/** Seconds; some 10 ms of work for each thread. */
const COLLECT_EVERY = 5;

export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  #isShort = false;
  #collected = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(performance.now() / 1000), INTERVAL).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** @param now seconds, on any clock */
  look(now: number): void {
    const { memory, onShort, collectGarbage } = this.#options;
    const isShort = share(memory.use) > MOST_MEMORY;
    if (isShort !== this.#isShort) {
      this.#isShort = isShort;
      onShort(isShort);
    }
    if (!isShort || now - this.#collected < COLLECT_EVERY) return;
    this.#collected = now;
    collectGarbage();
  }
}
