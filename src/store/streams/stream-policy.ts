/**
 * Which streams are kept, and for how long: rules alone, without files.
 *
 * A stream is kept from the second request for it on (`minUses`), because most are never asked for again. It leaves when it
 * was not used for a while, or when there is no room and all others were used since. It never gets wrong: its key says
 * what is in it. So its age counts from its last use, and says no more than that it will hardly be wanted again.
 */
import { Sightings } from './sightings.ts';

export type StreamKind = 'clone' | 'fetch' | 'shallow';

const MINUTE = 60_000;

/**
 * Milliseconds without use after which a stream leaves. Who fetches from the same commit does so soon after a push. Clones
 * of a commit, deep or shallow, come for as long as its pipeline has stages and is tried again.
 */
const RETENTION: Readonly<Record<StreamKind, number>> = {
  fetch: 5 * MINUTE,
  clone: 60 * MINUTE,
  shallow: 60 * MINUTE,
};

export interface StreamPolicyOptions {
  /** Bytes that may be held. */
  readonly budget: number;
  /** The request for a key from which on its stream is kept. */
  readonly minUses: number;
  /** Milliseconds since 1970. It may go back, which stops the time for as long as that step takes. */
  readonly now: () => number;
  /** Milliseconds without use, where not the usual ones. */
  readonly retention?: Partial<Record<StreamKind, number>>;
}

export interface KeptStream {
  readonly key: string;
  readonly kind: StreamKind;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export interface Leaving {
  readonly key: string;
  readonly reason: 'age' | 'budget';
}

interface Entry {
  readonly key: string;
  readonly kind: StreamKind;
  readonly bytes: number;
  lastUse: number;
}

/** What is done for a request takes the same time however much is held. */
export class StreamPolicy {
  readonly #budget: number;
  readonly #minUses: number;
  readonly #now: () => number;
  readonly #retention: Readonly<Record<StreamKind, number>>;
  readonly #sightings: Sightings;
  /** All, and those of each kind: the one that was not used for the longest time is first. */
  readonly #all = new Recency();
  readonly #kinds: Readonly<Record<StreamKind, Recency>> = {
    clone: new Recency(),
    fetch: new Recency(),
    shallow: new Recency(),
  };
  /** Larger than the budget: they leave before anything else has to. */
  readonly #tooLarge = new Set<Entry>();
  #bytes = 0;
  /** Milliseconds that have gone by, and what the clock said then. */
  #elapsed = 0;
  #clock: number;

  constructor({ budget, minUses, now, retention }: StreamPolicyOptions) {
    this.#budget = budget;
    this.#minUses = minUses;
    this.#now = now;
    this.#retention = { ...RETENTION, ...retention };
    this.#sightings = new Sightings(minUses, RETENTION.clone);
    this.#clock = now();
  }

  /** Bytes of what was added and not removed. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * A request for a key, whatever will answer it.
   * @returns whether its build is to be kept, as it has now been asked for `minUses` times lately
   */
  asked(key: string): boolean {
    return this.#sightings.saw(key, this.#time()) >= this.#minUses;
  }

  /** A stream that is now complete, or one that was found when the store was opened. In place of one of the same key. */
  added({ key, kind, bytes, created }: KeptStream): void {
    this.removed(key);
    const time = this.#time();
    // What was asked for in this process was built in it, and has readers. Others are as old as they say, if that can be.
    const age = this.#sightings.countOf(key) > 0 ? 0 : Math.max(0, this.#clock - created);
    const entry = { key, kind, bytes, lastUse: time - age };
    this.#all.put(entry);
    this.#kinds[kind].put(entry);
    if (bytes > this.#budget) this.#tooLarge.add(entry);
    this.#bytes += bytes;
  }

  /** A request was, or is being, answered from it. */
  used(key: string): void {
    const entry = this.#all.get(key);
    if (!entry) return;
    entry.lastUse = this.#time();
    this.#all.put(entry);
    this.#kinds[entry.kind].put(entry);
  }

  removed(key: string): void {
    const entry = this.#all.get(key);
    if (!entry) return;
    this.#all.delete(key);
    this.#kinds[entry.kind].delete(key);
    this.#tooLarge.delete(entry);
    this.#bytes -= entry.bytes;
  }

  /**
   * What has to leave now, worst first; until it was `removed` it is named again.
   * @param unfinished bytes of the budget that are taken by what is not kept yet
   */
  leaving(unfinished = 0): Leaving[] {
    const time = this.#time();
    const leaving = new Map<string, Leaving>();
    let held = this.#bytes + unfinished;
    const leave = ({ key, bytes }: Entry, reason: Leaving['reason']) => {
      if (leaving.has(key)) return;
      leaving.set(key, { key, reason });
      held -= bytes;
    };
    for (const kind of Object.keys(this.#kinds) as StreamKind[]) {
      for (const entry of this.#kinds[kind].oldestFirst()) {
        if (time - entry.lastUse < this.#retention[kind]) break;
        leave(entry, 'age');
      }
    }
    for (const entry of this.#tooLarge) leave(entry, 'budget');
    for (const entry of this.#all.oldestFirst()) {
      if (held <= this.#budget) break;
      leave(entry, 'budget');
    }
    return [...leaving.values()];
  }

  /** Milliseconds since the start, which never go back. */
  #time(): number {
    const clock = this.#now();
    this.#elapsed += Math.max(0, clock - this.#clock);
    this.#clock = clock;
    return this.#elapsed;
  }
}

/** Entries in the order of their last use. */
class Recency {
  #entries = new Map<string, Entry>();
  #latest = Number.NEGATIVE_INFINITY;
  #inOrder = true;

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  put(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
    // Only what is found when a store is opened comes in any order.
    if (entry.lastUse < this.#latest) this.#inOrder = false;
    else this.#latest = entry.lastUse;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  oldestFirst(): Iterable<Entry> {
    if (!this.#inOrder) {
      const sorted = [...this.#entries.values()].sort((a, b) => a.lastUse - b.lastUse);
      this.#entries = new Map(sorted.map((entry) => [entry.key, entry]));
      this.#inOrder = true;
    }
    return this.#entries.values();
  }
}
