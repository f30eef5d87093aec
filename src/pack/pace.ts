/** Long work gives way: to the other tasks of its thread, and to a client that went away. */
import { cancelled } from '../errors.ts';

/** Milliseconds of work between two pauses. */
const STRETCH = 5;

/**
 * The pace of one task. Call {@link due} often (it costs one look at the clock) and await {@link pause} when it says
 * so: messages are then received, other tasks run, and a cancelled task ends here.
 */
export class Pace {
  readonly #rest: () => number;
  #cancelled = false;
  #next = performance.now() + STRETCH;
  readonly #listeners: (() => void)[] = [];

  /** @param rest milliseconds to rest at each pause: for work that is to be no one's burden */
  constructor(rest: () => number = () => 0) {
    this.#rest = rest;
  }

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
    const rest = this.#rest();
    await new Promise((resume) => (rest > 0 ? setTimeout(resume, rest) : setImmediate(resume)));
    this.check();
    this.#next = performance.now() + STRETCH;
  }

  /** @throws PackhorseError `PACKHORSE_CANCELLED` */
  check(): void {
    if (this.#cancelled) throw cancelled();
  }
}
