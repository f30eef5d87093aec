/** How the service comes to its end, as those see it who serve. */
import { setMaxListeners } from 'node:events';
import { draining, stopped } from '../errors.ts';

export class Drain {
  readonly #closing = new AbortController();
  readonly #cutOff = new AbortController();

  constructor() {
    // Every connection listens.
    setMaxListeners(0, this.closing, this.cutOff);
  }

  /** Aborted when nothing new is taken: clients that ask for nothing are let go. The reason is a PackhorseError. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Aborted when what is left is to end. The reason is a PackhorseError. */
  get cutOff(): AbortSignal {
    return this.#cutOff.signal;
  }

  close(): void {
    this.#closing.abort(draining());
  }

  cut(): void {
    this.#cutOff.abort(stopped());
  }
}
