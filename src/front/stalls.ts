/**
 * When a client takes nothing, its place goes to the next: the limit counts work, not slowness. A client that is only a
 * little slower than the worker keeps it, as taking turns at every chunk would cost more than it gains.
 */
import type { Place } from './admission/place.ts';
import { LEAST_WINDOW, type StreamBudget } from './stream-budget.ts';

/** Milliseconds that a client may take before its place is given away. */
export const GRACE = 20;

export class Stalls {
  readonly #place: Place | undefined;
  readonly #budget: StreamBudget;
  #timer: NodeJS.Timeout | undefined;
  /** Whether the client was slow the last time: it is not waited for again. */
  #isSlow = false;
  #gave = false;

  /** @param place undefined where the client holds up no work, as what it takes comes from a file */
  constructor(place: Place | undefined, budget: StreamBudget) {
    this.#place = place;
    this.#budget = budget;
  }

  /**
   * Looks whether the worker can go on.
   * @param unsent bytes on their way; a worker with none sends a chunk, however small the window
   * @param window bytes that may be
   */
  look(unsent: number, window: number): void {
    const mayGoOn = unsent === 0 || unsent + LEAST_WINDOW <= window;
    if (mayGoOn || this.#timer || !this.#mayGive) return;
    if (this.#isSlow) this.#give();
    else {
      this.#timer = setTimeout(() => this.#give(), GRACE).unref();
    }
  }

  /** The client has taken something. Calls `then` when the worker may go on: now, or when it has a place again. */
  taken(then: () => void): void {
    if (this.#timer) this.#isSlow = false;
    this.#clear();
    if (!this.#gave) {
      then();
      return;
    }
    const goOn = () => {
      this.close();
      then();
    };
    if (this.#place) this.#place.goOn(goOn);
    else goOn();
  }

  close(): void {
    this.#clear();
    if (this.#gave) this.#budget.stalled--;
    this.#gave = false;
  }

  #give(): void {
    this.#clear();
    if (!this.#mayGive) return;
    this.#isSlow = true;
    // Its place may have been taken again meanwhile, for other work than to send.
    if (!this.#gave) this.#budget.stalled++;
    this.#gave = true;
    this.#place?.rest();
  }

  get #mayGive(): boolean {
    return this.#place ? this.#place.held : !this.#gave;
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
