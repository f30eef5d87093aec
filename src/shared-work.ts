/** Work that several wait for and that is done once, in stretches. */
import type { Stretches } from './stretches.ts';

interface Running<T> {
  readonly work: Stretches<T>;
  /** How many wait for it. */
  waiting: number;
  outcome: { readonly value: T } | { readonly error: unknown } | undefined;
}

/**
 * No one owns the work: each of those who wait goes on with it where the others have got to, at their own pace, so that
 * one who leaves holds up no one. With the last who leaves it ends unfinished.
 */
export class SharedWork<T> {
  readonly #running = new Map<string, Running<T>>();

  /**
   * Takes part in the work that goes by `key`, beginning it where no one has. What it throws, it throws for all.
   */
  *do(key: string, begin: () => Stretches<T>): Stretches<T> {
    const running = this.#running.get(key) ?? { work: begin(), waiting: 0, outcome: undefined };
    this.#running.set(key, running);
    running.waiting++;
    try {
      for (;;) {
        if (!running.outcome) this.#goOn(key, running);
        const { outcome } = running;
        if (outcome && 'error' in outcome) throw outcome.error;
        if (outcome) return outcome.value;
        yield;
      }
    } finally {
      running.waiting--;
      if (running.waiting === 0 && !running.outcome) {
        this.#running.delete(key);
        running.work.return(undefined as T);
      }
    }
  }

  #goOn(key: string, running: Running<T>): void {
    try {
      const step = running.work.next();
      if (!step.done) return;
      running.outcome = { value: step.value };
    } catch (error) {
      running.outcome = { error };
    }
    this.#running.delete(key);
  }
}
