/** Brings streams from the store into the local one: each once at a time, whoever asks. */
import { type PackhorseError, reasonOf, stopped } from '../../errors.ts';
import { DamagedStream } from '../../store/streams/stream-format.ts';
import type { StreamStore } from '../../store/streams/stream-store.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import type { SharedCounts, SharedResult } from './shared-counts.ts';
import type { StoreHealth } from './store-health.ts';

const MOST_AT_ONCE = 16;
/** Milliseconds that one may take, whether or not anyone still waits for it. */
const WITHIN = 120_000;

export interface DownloadOptions {
  readonly streams: StreamStore;
  readonly objects: ObjectStore;
  readonly health: StoreHealth;
  readonly counts: SharedCounts;
  /** Milliseconds until the store begins to answer. */
  readonly firstByte: number;
  /** Told of an object that is not what it should be. */
  readonly onInvalid: (key: string, error: PackhorseError) => void;
}

export class Downloads {
  readonly #options: DownloadOptions;
  readonly #running = new Map<string, { abort: AbortController; result: Promise<SharedResult> }>();
  #isClosed = false;

  constructor(options: DownloadOptions) {
    this.#options = options;
  }

  /**
   * Never rejects. After `hit` the stream is there, unless it had to leave again.
   * @returns undefined where nothing can be brought now
   */
  bring(key: string): Promise<SharedResult> | undefined {
    const running = this.#running.get(key);
    if (running) return running.result;
    if (this.#isClosed || this.#running.size >= MOST_AT_ONCE) return undefined;
    const abort = new AbortController();
    const result = this.#bring(key, abort).finally(() => this.#running.delete(key));
    this.#running.set(key, { abort, result });
    return result;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const running = [...this.#running.values()];
    for (const { abort } of running) abort.abort(stopped());
    await Promise.all(running.map(({ result }) => result));
  }

  async #bring(key: string, abort: AbortController): Promise<SharedResult> {
    const { health, onInvalid } = this.#options;
    try {
      const result = await this.#download(key, abort);
      health.answered();
      return result;
    } catch (error) {
      if (error instanceof DamagedStream) {
        health.answered();
        onInvalid(key, error);
        return 'invalid';
      }
      if (!this.#isClosed) health.failed(reasonOf(error));
      return abort.signal.aborted ? 'timeout' : 'error';
    }
  }

  async #download(key: string, abort: AbortController): Promise<SharedResult> {
    const { objects, firstByte } = this.#options;
    const get = () => objects.get(key, abort.signal);
    const object = await within(firstByte, abort, get);
    if (!object) return 'miss';
    return within(WITHIN, abort, () => this.#receive(key, object));
  }

  async #receive(key: string, { length, body }: StoredObject): Promise<SharedResult> {
    const { streams, counts } = this.#options;
    const incoming = await streams.receive(key);
    try {
      // What does not say how long it is has no room either.
      if (!incoming?.expect(length)) return 'error';
      for await (const bytes of body) {
        counts.read += bytes.length;
        await incoming.write(bytes);
      }
      await incoming.finish();
      return 'hit';
    } finally {
      body.destroy();
      await incoming?.abort();
    }
  }
}

/** Aborts what takes longer. */
async function within<T>(milliseconds: number, abort: AbortController, run: () => Promise<T>): Promise<T> {
  const limit = setTimeout(() => abort.abort(), milliseconds);
  try {
    return await run();
  } finally {
    clearTimeout(limit);
  }
}
