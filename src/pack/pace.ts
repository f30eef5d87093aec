/** Long work gives way: to the other tasks of its thread, and to a client that went away. */
import { cancelled } from '../errors.ts';

/** Milliseconds of work between two pauses. */
const STRETCH = 5;

/**
 * The pace of one task. Call {@link due} often (it costs one look at the clock) and await {@link pause} when it says
 * so: messages are then received, other tasks run, and a cancelled task ends here.
 */
export class Pace {
  #cancelled = false;
  #next = performance.now() + STRETCH;
  readonly #listeners: (() => void)[] = [];

  cancel(): void {
    this.#cancelled = true;
    for (const listener of this.#listeners) listener();
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Calls `listener` when the task is cancelled: for those who wait for something else. */
  onCancel(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Whether it is time to pause. */
  due(): boolean {
    return performance.now() >= this.#next;
  }

  /** @throws PackhorseError `PACKHORSE_CANCELLED` */
  async pause(): Promise<void> {
    await new Promise((resume) => setImmediate(resume));
    this.check();
    this.#next = performance.now() + STRETCH;
  }

  /** @throws PackhorseError `PACKHORSE_CANCELLED` */
  check(): void {
    if (this.#cancelled) throw cancelled();
  }
}
