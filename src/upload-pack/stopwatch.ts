/** Seconds by phase, and when each went on; what the client made the work wait for counts as `wait`. */
import type { Phases, Statistics } from './statistics.ts';

/** One side of the client. */
interface Side {
  /** Seconds that it has been waited for so far. */
  readonly waited: number;
}

export class Stopwatch {
  readonly #statistics: Pick<Statistics, 'phases' | 'spans'>;
  readonly #sides: readonly Side[];
  /** Milliseconds since 1970 at the zero of the process's clock; told once, so that spans follow upon each other. */
  readonly #epoch = Date.now() - performance.now();
  #phase: keyof Phases | undefined;
  #since = 0;
  #waited = 0;

  /** @param statistics filled in whenever a phase ends */
  constructor(statistics: Pick<Statistics, 'phases' | 'spans'>, sides: readonly Side[]) {
    this.#statistics = statistics;
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
    const now = performance.now();
    const elapsed = (now - this.#since) / 1000;
    // What was sent without waiting for it may count as waited for after it has been worked on for long.
    const waited = Math.min(elapsed, this.#sum() - this.#waited);
    const { phases, spans } = this.#statistics;
    phases[this.#phase] += elapsed - waited;
    phases.wait += waited;
    const start = spans[this.#phase]?.start ?? this.#epoch + this.#since;
    spans[this.#phase] = { start, end: this.#epoch + now };
    this.#phase = undefined;
  }

  #sum(): number {
    return this.#sides.reduce((sum, { waited }) => sum + waited, 0);
  }
}
