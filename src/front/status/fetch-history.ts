/** What is remembered of fetches that have ended: sums, and the slowest of the last hour. */
import { type FetchRecord, fetchEnded, type Outcome } from '../events.ts';
import { CACHE_RESULTS, type CacheResult } from '../stream-cache/stream-cache.ts';
import { whySlow } from './why-slow.ts';

export interface SlowFetch {
  readonly id: string;
  readonly repository: string;
  readonly command: string;
  readonly kind: string;
  /** Milliseconds since 1970. */
  readonly ended: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly outcome: Outcome;
  readonly why: readonly string[];
}

const MOST = 10;
/** Milliseconds. */
const RECENT = 3_600_000;
/** The slowest are kept for each of these by itself, so that those of some minutes do not push out all that are younger. */
const SLICE = RECENT / 6;

export class FetchHistory {
  /** Of fetches that have ended. */
  sent = 0;
  fetches = 0;
  readonly cache = Object.fromEntries(CACHE_RESULTS.map((result) => [result, 0])) as Record<
    CacheResult,
    number
  >;
  /** Those of each slice of time, the slowest first. */
  readonly #slices = new Map<number, readonly SlowFetch[]>();
  readonly #now: () => number;
  readonly #ended = (published: unknown) => this.#add(published as FetchRecord);

  /** @param now milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now;
    fetchEnded.subscribe(this.#ended);
  }

  /** The slowest of the last hour, the slowest first. */
  slowest(): readonly SlowFetch[] {
    const oldest = this.#now() - RECENT;
    for (const slice of this.#slices.keys()) if ((slice + 1) * SLICE < oldest) this.#slices.delete(slice);
    const recent = [...this.#slices.values()].flat().filter(({ ended }) => ended >= oldest);
    return slowestOf(recent);
  }

  close(): void {
    fetchEnded.unsubscribe(this.#ended);
  }

  #add(record: FetchRecord): void {
    this.fetches++;
    this.sent += record.bytes;
    const { statistics, seconds } = record;
    if (statistics?.cache) this.cache[statistics.cache]++;
    const now = this.#now();
    const slice = Math.floor(now / SLICE);
    const slowest = this.#slices.get(slice) ?? [];
    // Nearly all end here.
    if (slowest.length === MOST && seconds <= slowest[MOST - 1].seconds) return;
    const { id, repository, command, bytes, outcome } = record;
    const kind = statistics?.kind ?? 'none';
    const slow = {
      id,
      repository,
      command,
      kind,
      ended: now,
      seconds,
      bytes,
      outcome,
      why: whySlow(record),
    };
    this.#slices.set(slice, slowestOf([...slowest, slow]));
    // A slice has begun: others may be over.
    if (slowest.length === 0) this.slowest();
  }
}

function slowestOf(fetches: readonly SlowFetch[]): readonly SlowFetch[] {
  return fetches.toSorted((a, b) => b.seconds - a.seconds).slice(0, MOST);
}
