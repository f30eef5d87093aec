/** Puts streams that were made here into the store, in the background: a few at a time, of those that wait a bounded number. */
import { reasonOf } from '../../errors.ts';
import type { StreamStore } from '../../store/streams/stream-store.ts';
import type { ObjectStore } from './object-store.ts';
import type { SharedCounts, SharedWrite } from './shared-counts.ts';
import type { StoreHealth } from './store-health.ts';

const AT_ONCE = 2;
const MOST_WAITING = 256;
const MOST_TO_REPLACE = 1024;
/** What a store takes in one piece. */
const MOST_BYTES = 5 * 2 ** 30;
/** Milliseconds that one may take. */
const WITHIN = 120_000;

export interface UploadOptions {
  readonly streams: StreamStore;
  readonly objects: ObjectStore;
  readonly health: StoreHealth;
  readonly counts: SharedCounts;
}

export class Uploads {
  readonly #options: UploadOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<AbortController, Promise<void>>();
  /** What the store has under these keys is wrong. */
  readonly #toReplace = new Set<string>();
  #isClosed = false;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  /** Of an entry of the local store. */
  add(key: string): void {
    if (this.#isClosed || this.#waiting.has(key)) return;
    if (this.#waiting.size < MOST_WAITING) this.#waiting.add(key);
    else this.#options.counts.writes.dropped++;
    this.#next();
  }

  /** The next entry with this key is put there whether or not there is one. */
  replace(key: string): void {
    if (this.#toReplace.size < MOST_TO_REPLACE) this.#toReplace.add(key);
  }

  /** Gives up what has not been put there. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting.clear();
    for (const abort of this.#running.keys()) abort.abort();
    await Promise.all(this.#running.values());
  }

  #next(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= AT_ONCE) return;
      this.#waiting.delete(key);
      const abort = new AbortController();
      const upload = this.#upload(key, abort).finally(() => {
        this.#running.delete(abort);
        this.#next();
      });
      this.#running.set(abort, upload);
    }
  }

  async #upload(key: string, abort: AbortController): Promise<void> {
    const { health, counts } = this.#options;
    const limit = setTimeout(() => abort.abort(), WITHIN);
    try {
      const result = await this.#put(key, abort.signal);
      if (result !== 'dropped') health.answered();
      counts.writes[result]++;
    } catch (error) {
      counts.writes.error++;
      if (!this.#isClosed) health.failed(reasonOf(error));
    } finally {
      clearTimeout(limit);
    }
  }

  async #put(key: string, signal: AbortSignal): Promise<SharedWrite> {
    const { streams, objects, health, counts } = this.#options;
    if (!health.isUp) return 'dropped';
    if (!this.#toReplace.has(key) && (await objects.has(key, signal))) return 'present';
    const file = await streams.file(key);
    if (!file) return 'dropped';
    const { size } = await file.stat();
    const body = file.createReadStream();
    if (size > MOST_BYTES) {
      body.destroy();
      return 'dropped';
    }
    await objects.put(key, body, size, signal);
    this.#toReplace.delete(key);
    counts.written += size;
    return 'written';
  }
}
