/** Seconds by phase; what the sink made its sender wait counts as `wait`. */
import type { ResponseSink } from './response-sink.ts';
import type { Phases } from './statistics.ts';

export class Stopwatch {
  readonly #phases: Phases;
  readonly #sink: Pick<ResponseSink, 'waited'>;
  #phase: keyof Phases | undefined;
  #since = 0;
  #waited = 0;

  constructor(phases: Phases, sink: Pick<ResponseSink, 'waited'>) {
    this.#phases = phases;
    this.#sink = sink;
  }

  /** Ends the running phase and begins another. */
  start(phase: keyof Phases): void {
    this.stop();
    this.#phase = phase;
    this.#since = performance.now();
    this.#waited = this.#sink.waited;
  }

  stop(): void {
    if (!this.#phase) return;
    const elapsed = (performance.now() - this.#since) / 1000;
    // What was sent without waiting for it may count as waited for after it has been worked on for long.
    const waited = Math.min(elapsed, this.#sink.waited - this.#waited);
    this.#phases[this.#phase] += elapsed - waited;
    this.#phases.wait += waited;
    this.#phase = undefined;
  }
}
