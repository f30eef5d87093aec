/** Seconds by phase; what the client made the work wait for counts as `wait`. */
import type { Phases } from './statistics.ts';

/** One side of the client. */
interface Side {
  /** Seconds that it has been waited for so far. */
  readonly waited: number;
}

export class Stopwatch {
  readonly #phases: Phases;
  readonly #sides: readonly Side[];
  #phase: keyof Phases | undefined;
  #since = 0;
  #waited = 0;

  constructor(phases: Phases, sides: readonly Side[]) {
    this.#phases = phases;
    this.#sides = sides;
  }

  /** Ends the running phase and begins another. */
  start(phase: keyof Phases): void {
    this.stop();
    this.#phase = phase;
    this.#since = performance.now();
    this.#waited = this.#sum();
  }

  stop(): void {
    if (!this.#phase) return;
    const elapsed = (performance.now() - this.#since) / 1000;
    // What was sent without waiting for it may count as waited for after it has been worked on for long.
    const waited = Math.min(elapsed, this.#sum() - this.#waited);
    this.#phases[this.#phase] += elapsed - waited;
    this.#phases.wait += waited;
    this.#phase = undefined;
  }

  #sum(): number {
    return this.#sides.reduce((sum, { waited }) => sum + waited, 0);
  }
}
