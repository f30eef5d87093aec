/**
 * One lane: so many places, and a bounded queue before them. A place is for work: who waits for its client has none, and
 * takes one again before those who have not begun.
 */
import { addParty, keysOf, type Party, removeParty } from './party.ts';
import { Tally } from './tally.ts';
import { Usage } from './usage.ts';

export const LANES = ['light', 'fetch', 'clone'] as const;
/** `light`: listings, and what comes before a pack; `fetch`: packs for those who have something; `clone`: for others. */
export type LaneName = (typeof LANES)[number];

export interface LaneOptions {
  /** Places there are at most. */
  readonly most: number;
  /** Of these, the most that one repository or client holds; 0: as many as there are. */
  readonly perRepository: number;
  readonly perClient: number;
  /** How many may wait. */
  readonly queue: number;
  /** Whether there is memory for one more. */
  readonly hasMemory?: () => boolean;
}

export interface Waiting {
  readonly party: Party;
  /** Whether it goes on with what has begun: it is not turned away, and comes first. */
  readonly begun: boolean;
  /** Takes the memory that it needs; false where there is none. */
  readonly reserve: () => boolean;
  readonly granted: () => void;
  /** Told now and then how many are before it. */
  readonly moved?: ((ahead: number) => void) | undefined;
}

/** Share of the queue that is for everyone; the rest is for repositories and clients of which no one waits. */
const OPEN_SHARE = 0.75;
/** One place of so many goes to those who begin, though others would go on. */
const TURNS = 4;
/** Milliseconds between two looks at who is before whom. */
const LOOK = 1000;
/** How much of the estimate of the time that places are held is that of the last one. */
const NEWEST = 0.1;

export class Lane {
  readonly #options: LaneOptions;
  #limit: number;
  #running = 0;
  /** Seconds that a place is held, by and large. */
  #held = 1;
  readonly #places = new Tally();
  readonly #usage = new Usage();
  /** Places given so far. */
  #given = 0;
  readonly #begun = new Set<Waiting>();
  readonly #waiting = new Set<Waiting>();
  readonly #queued = new Tally();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#limit = options.most;
  }

  get most(): number {
    return this.#options.most;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Those who have a place keep it when there are fewer. */
  set limit(limit: number) {
    this.#limit = limit;
    this.next();
  }

  /** Places that are held. */
  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#waiting.size + this.#begun.size;
  }

  /** Seconds until someone who comes now would have a place, by and large. */
  get delay(): number {
    return ((this.queued + 1) * this.#held) / this.#limit;
  }

  /** Whether someone who comes now is turned away: nothing is free, and no room to wait is left for that party. */
  isFull(party: Party): boolean {
    const { queue } = this.#options;
    const { size } = this.#waiting;
    if (size === 0 && this.#isFree(party)) return false;
    return (
      size >= queue || (size >= queue * OPEN_SHARE && keysOf(party).some((key) => this.#queued.of(key) > 0))
    );
  }

  /** Whether someone is turned away who has others of its repository or client waiting already. */
  isFullOf(party: Party): boolean {
    return keysOf(party).some((key) => this.#queued.of(key) > 0) && this.isFull(party);
  }

  /** Has `waiting.granted` called, at once or when its turn comes. */
  enter(waiting: Waiting): void {
    const line = waiting.begun ? this.#begun : this.#waiting;
    line.add(waiting);
    addParty(this.#queued, waiting.party);
    this.next();
    if (!line.has(waiting)) return;
    this.#tell();
    this.#timer ??= setInterval(() => this.#tell(), LOOK).unref();
  }

  /** Takes someone out of the queue. */
  withdraw(waiting: Waiting): void {
    if (this.#begun.delete(waiting) || this.#waiting.delete(waiting))
      removeParty(this.#queued, waiting.party);
    if (this.queued > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Gives a place back.
   * @param seconds that it was held
   */
  leave(party: Party, seconds: number): void {
    this.#running--;
    removeParty(this.#places, party);
    const now = performance.now() / 1000;
    for (const key of keysOf(party)) this.#usage.add(key, seconds, now);
    this.#held += (seconds - this.#held) * NEWEST;
    this.next();
  }

  /** Gives places to those who wait, as far as there are any. */
  next(): void {
    while (this.#running < this.#limit && this.queued > 0) {
      const chosen = this.#inOrder().find(({ party, reserve }) => this.#mayHold(party) && reserve());
      if (!chosen) return;
      this.withdraw(chosen);
      this.#running++;
      this.#given++;
      addParty(this.#places, chosen.party);
      chosen.granted();
    }
  }

  /**
   * Who goes on comes first, but for every fourth place; then those who had least; of equals, the one who came first.
   */
  #inOrder(): Waiting[] {
    const now = performance.now() / 1000;
    const shares = new Map(
      Array.from(this.#waiting, (waiting) => [waiting, this.#shareOf(waiting.party, now)]),
    );
    const waiting = [...this.#waiting].sort((a, b) => shares.get(a)! - shares.get(b)!);
    const isTheirs = this.#given % TURNS === TURNS - 1;
    return isTheirs ? [...waiting, ...this.#begun] : [...this.#begun, ...waiting];
  }

  /** What a party has and had lately. */
  #shareOf(party: Party, now: number): number {
    return keysOf(party).reduce((sum, key) => sum + this.#places.of(key) + this.#usage.of(key, now), 0);
  }

  #isFree(party: Party): boolean {
    const { hasMemory } = this.#options;
    const isPlaceFree = this.#running < this.#limit && this.#begun.size === 0 && this.#mayHold(party);
    return isPlaceFree && (hasMemory === undefined || hasMemory());
  }

  #mayHold(party: Party): boolean {
    const { perRepository, perClient } = this.#options;
    const [repository, client] = keysOf(party).map((key) => this.#places.of(key));
    return (perRepository === 0 || repository < perRepository) && (perClient === 0 || !(client >= perClient));
  }

  #tell(): void {
    for (const [i, waiting] of this.#inOrder().entries()) waiting.moved?.(i);
  }
}
