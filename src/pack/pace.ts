/** Long work gives way: to the other tasks of its thread, and to a client that went away. */
import { cancelled } from '../errors.ts';
import type { Pause } from '../stretches.ts';

/** Milliseconds of work between two pauses: at most, and however many tasks a thread has. */
const LONGEST_STRETCH = 5;
const SHORTEST_STRETCH = 0.5;
/** Milliseconds in which every task of a thread gets its turn, as far as that goes. */
const ROUND = 10;

/** Tasks of this thread that have paused and wait for their turn. */
let waiting = 0;

/**
 * The pace of one task. Call {@link due} often (it costs one look at the clock) and await {@link pause} when it says
 * so: messages are then received, other tasks run, and a cancelled task ends here.
 */
export class Pace {
  readonly #rest: () => number;
  #cancelled = false;
  #next = performance.now() + LONGEST_STRETCH;
  /** Ends a pause. */
  #wake: (() => void) | undefined;
  readonly #listeners: (() => void)[] = [];

  /** @param rest milliseconds to rest at each pause: for work that is to be no one's burden */
  constructor(rest: () => number = () => 0) {
    this.#rest = rest;
  }

  cancel(): void {
    this.#cancelled = true;
    for (const listener of this.#listeners) listener();
    this.#wake?.();
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
    if (rest > 0) await this.#sleep(rest);
    else await this.#waitForTurn();
    this.check();
    const share = Math.max(SHORTEST_STRETCH, ROUND / (waiting + 1));
    this.#next = performance.now() + Math.min(LONGEST_STRETCH, share);
  }

  /** {@link pause} when it is {@link due}. */
  readonly pauseIfDue: Pause = () => (this.due() ? this.pause() : undefined);

  /** @throws PackhorseError `PACKHORSE_CANCELLED` */
  check(): void {
    if (this.#cancelled) throw cancelled();
  }

  async #waitForTurn(): Promise<void> {
    waiting++;
    await this.#untilWoken(setImmediate);
    waiting--;
  }

  async #sleep(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await this.#untilWoken((wake) => {
      timer = setTimeout(wake, milliseconds);
    });
    clearTimeout(timer);
  }

  /** Until what `start` is given has been called, or the task is cancelled. */
  async #untilWoken(start: (wake: () => void) => void): Promise<void> {
    if (this.#cancelled) return;
    await new Promise<void>((wake) => {
      this.#wake = wake;
      start(wake);
    });
    this.#wake = undefined;
  }
}
