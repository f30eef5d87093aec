/** What one client holds of the lanes, from its request to the end of its answer. */
import { busy, type PackhorseError } from '../../errors.ts';
import { type Admitted, admissionGranted, admissionRefused, type Refused } from '../events.ts';
import type { Admission } from './admission.ts';
import type { LaneName, Waiting } from './lane.ts';
import type { Party } from './party.ts';

export interface Waiter {
  /** Called once, at once where there is a place. */
  granted(): void;
  /** Called instead of it. */
  refused(error: PackhorseError): void;
  /** Called now and then while it waits, with the number of those before it. */
  moved?(ahead: number): void;
}

export class Place {
  readonly #admission: Admission;
  readonly #party: Party;
  #lane: LaneName = 'light';
  #since = 0;
  #state: 'none' | 'waiting' | 'held' = 'none';
  /** What is taken out of the queue when the client leaves. */
  #waiting: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Whether the memory of a stream, and of one that sends a pack, is counted for it. */
  #hasStream = false;
  #hasPack = false;
  /** What is done when there is a place again. */
  #actions: (() => void)[] = [];

  constructor(admission: Admission, party: Party) {
    this.#admission = admission;
    this.#party = party;
  }

  /** Whether there is work that may be done. */
  get held(): boolean {
    return this.#state === 'held';
  }

  /** Asks for a place in a lane, and gives back what it has: who waits keeps nothing. */
  enter(lane: LaneName, waiter: Waiter): void {
    this.leave();
    this.#lane = lane;
    const { queueWait } = this.#admission;
    const queue = this.#admission.lanes[lane];
    if (queue.isFull(this.#party)) {
      admissionRefused.publish({ lane, reason: 'queue_full' } satisfies Refused);
      waiter.refused(busy(`${queue.queued} are waiting`, this.#admission.retryAfter(lane)));
      return;
    }
    this.#wait(false, () => waiter.granted(), waiter.moved?.bind(waiter));
    if (this.#state !== 'waiting' || queueWait === 0) return;
    this.#timer = setTimeout(() => {
      this.#withdraw();
      admissionRefused.publish({ lane, reason: 'queue_timeout' } satisfies Refused);
      waiter.refused(busy(`no place was free for ${queueWait} seconds`, this.#admission.retryAfter(lane)));
    }, queueWait * 1000).unref();
  }

  /** Does something for which a place is needed: at once, or when it has one again. */
  goOn(action: () => void): void {
    if (this.#state === 'held') {
      action();
      return;
    }
    this.#actions.push(action);
    if (this.#state !== 'none') return;
    this.#wait(true, () => {});
  }

  /** Gives the place to the next, or waits for none: nothing is to be done until {@link goOn}. Its memory stays counted. */
  rest(): void {
    this.#withdraw();
    this.#actions = [];
    if (this.#state !== 'held') return;
    this.#state = 'none';
    this.#admission.lanes[this.#lane].leave(this.#party, performance.now() / 1000 - this.#since);
  }

  /** The same, where nothing is kept in memory: the next thing to be done is a light one. */
  leave(): void {
    this.rest();
    this.#lane = 'light';
    if (!this.#hasStream) return;
    this.#admission.streams.close(this.#party.client, this.#hasPack);
    this.#hasStream = false;
    this.#hasPack = false;
    // Others may wait for that memory.
    this.#admission.next();
  }

  #wait(begun: boolean, granted: () => void, moved?: (ahead: number) => void): void {
    const lane = this.#lane;
    const start = performance.now() / 1000;
    this.#state = 'waiting';
    this.#waiting = {
      party: this.#party,
      begun,
      moved,
      reserve: () => this.#reserve(),
      granted: () => {
        clearTimeout(this.#timer);
        this.#waiting = undefined;
        this.#state = 'held';
        this.#since = performance.now() / 1000;
        const seconds = this.#since - start;
        if (!begun) admissionGranted.publish({ lane, seconds } satisfies Admitted);
        granted();
        for (const action of this.#actions.splice(0)) action();
      },
    };
    this.#admission.lanes[lane].enter(this.#waiting);
  }

  #withdraw(): void {
    clearTimeout(this.#timer);
    if (!this.#waiting) return;
    this.#admission.lanes[this.#lane].withdraw(this.#waiting);
    this.#waiting = undefined;
    this.#state = 'none';
  }

  #reserve(): boolean {
    const { streams } = this.#admission;
    const needsPack = this.#lane !== 'light' && !this.#hasPack;
    if (needsPack && !streams.hasRoomForPack) return false;
    this.#hasStream ||= streams.open(this.#party.client);
    if (!this.#hasStream) return false;
    if (needsPack) this.#hasPack = streams.openPack();
    return true;
  }
}
