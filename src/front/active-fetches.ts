/** The fetches in flight. */
import type { FetchRecord } from './events.ts';
import { fetchEnded, fetchStarted } from './events.ts';

export class ActiveFetches {
  readonly #records = new Set<FetchRecord>();
  readonly #started = (record: unknown) => void this.#records.add(record as FetchRecord);
  readonly #ended = (record: unknown) => void this.#records.delete(record as FetchRecord);

  constructor() {
    fetchStarted.subscribe(this.#started);
    fetchEnded.subscribe(this.#ended);
  }

  get size(): number {
    return this.#records.size;
  }

  list(): readonly FetchRecord[] {
    return [...this.#records];
  }

  close(): void {
    fetchStarted.unsubscribe(this.#started);
    fetchEnded.unsubscribe(this.#ended);
  }
}
