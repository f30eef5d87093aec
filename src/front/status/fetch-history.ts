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

export class FetchHistory {
  /** Of fetches that have ended. */
  sent = 0;
  fetches = 0;
  readonly cache = Object.fromEntries(CACHE_RESULTS.map((result) => [result, 0])) as Record<
    CacheResult,
    number
  >;
  /** The slowest first. */
  #slowest: SlowFetch[] = [];
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
    this.#slowest = this.#slowest.filter(({ ended }) => ended >= oldest);
    return this.#slowest;
  }

  close(): void {
    fetchEnded.unsubscribe(this.#ended);
  }

  #add(record: FetchRecord): void {
    this.fetches++;
    this.sent += record.bytes;
    const { statistics, seconds } = record;
    if (statistics?.cache) this.cache[statistics.cache]++;
    // Nearly all end here.
    if (this.#slowest.length === MOST && seconds <= this.#slowest[MOST - 1].seconds && !this.#hasOld())
      return;
    const { id, repository, command, bytes, outcome } = record;
    const kind = statistics?.kind ?? 'none';
    const slow = {
      id,
      repository,
      command,
      kind,
      ended: this.#now(),
      seconds,
      bytes,
      outcome,
      why: whySlow(record),
    };
    this.#slowest = [...this.slowest(), slow].sort((a, b) => b.seconds - a.seconds).slice(0, MOST);
  }

  #hasOld(): boolean {
    const oldest = this.#now() - RECENT;
    return this.#slowest.some(({ ended }) => ended < oldest);
  }
}
