/** `--timeout`: a client that keeps a process waiting for too long loses it, without a word, as with git. */
import { endBy } from './signals.ts';

/** The most that a timer can take. */
const MOST_MILLISECONDS = 2 ** 31 - 1;

export class Alarm {
  readonly #milliseconds: number;

  /** @param seconds for which each thing is waited for; 0: for ever */
  constructor(seconds: number) {
    this.#milliseconds = Math.min(seconds * 1000, MOST_MILLISECONDS);
  }

  /** Waits for what the client is to do. */
  async during<T>(waiting: Promise<T>): Promise<T> {
    if (this.#milliseconds === 0) return waiting;
    const timer = setTimeout(() => endBy('SIGALRM'), this.#milliseconds);
    try {
      return await waiting;
    } finally {
      clearTimeout(timer);
    }
  }
}
