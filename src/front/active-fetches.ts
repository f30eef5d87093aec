/** The fetches in flight. */
import { type AnsweredFetch, type FetchRecord, fetchAnswered, fetchEnded, fetchStarted } from './events.ts';
import type { LiveAnswer } from './live-answer.ts';

export class ActiveFetches {
  /** With what can be seen of their answers, once there is something. */
  readonly #records = new Map<FetchRecord, LiveAnswer | undefined>();
  readonly #started = (record: unknown) => void this.#records.set(record as FetchRecord, undefined);
  readonly #answered = (published: unknown) => {
    const { record, live } = published as AnsweredFetch;
    this.#records.set(record, live);
  };
  readonly #ended = (record: unknown) => void this.#records.delete(record as FetchRecord);

  constructor() {
    fetchStarted.subscribe(this.#started);
    fetchAnswered.subscribe(this.#answered);
    fetchEnded.subscribe(this.#ended);
  }

  get size(): number {
    return this.#records.size;
  }

  /** The first that began first. */
  list(): readonly FetchRecord[] {
    return [...this.#records.keys()];
  }

  /** The same, with their answers. */
  entries(): Iterable<readonly [FetchRecord, LiveAnswer | undefined]> {
    return this.#records;
  }

  close(): void {
    fetchStarted.unsubscribe(this.#started);
    fetchAnswered.unsubscribe(this.#answered);
    fetchEnded.unsubscribe(this.#ended);
  }
}
