/**
 * Streams that several services share by way of an object store: what one has made, the others need not make. An object is
 * a file of the local store as it is, so that its checksums hold from one disk to the other, and it is served only from
 * there, whole and checked. The store makes things faster where it can: whatever it does, packs can be made without it.
 */
import type { Logger } from 'pino';
import type { StreamHead, StreamReader, StreamWriter } from '../../store/streams/stream.ts';
import type { StreamStore } from '../../store/streams/stream-store.ts';
import type { Streams } from '../stream-cache/stream-cache.ts';
import { Downloads } from './downloads.ts';
import type { ObjectStore } from './object-store.ts';
import { SharedCounts, type SharedResult } from './shared-counts.ts';
import { StoreHealth } from './store-health.ts';
import { Uploads } from './uploads.ts';

export interface SharedTimes {
  /** Milliseconds until the store begins to answer. */
  readonly firstByte: number;
  /** Milliseconds that a request waits for all of a stream. */
  readonly wait: number;
}

export interface SharedStreamsOptions extends SharedTimes {
  readonly streams: StreamStore;
  readonly objects: ObjectStore;
  readonly logger: Logger;
}

export class SharedStreams implements Streams {
  readonly counts = new SharedCounts();
  readonly #options: SharedStreamsOptions;
  readonly #health: StoreHealth;
  readonly #uploads: Uploads;
  readonly #downloads: Downloads;

  constructor(options: SharedStreamsOptions) {
    const { streams, objects, firstByte, logger } = options;
    const { counts } = this;
    const health = new StoreHealth(logger);
    this.#options = options;
    this.#health = health;
    this.#uploads = new Uploads({ streams, objects, health, counts });
    const onInvalid = (key: string, error: Error) => {
      logger.warn({ key, reason: error.message }, 'the shared cache has something wrong, which is not used');
      this.#uploads.replace(key);
    };
    this.#downloads = new Downloads({ streams, objects, health, counts, firstByte, onInvalid });
  }

  /** Whether the store is asked; not while it fails. */
  get isUp(): boolean {
    return this.#health.isUp;
  }

  find(key: string): Promise<StreamReader | undefined> {
    return this.#options.streams.find(key);
  }

  /** What others have made, where it can be had within the time limits. */
  async fetch(key: string): Promise<StreamReader | undefined> {
    const { streams, wait } = this.#options;
    if (!this.isUp || streams.isOff) return undefined;
    const download = this.#downloads.bring(key);
    const result = download ? await noLongerThan(wait, download) : 'timeout';
    this.counts.requests[result]++;
    // It may have been made here meanwhile.
    return streams.find(key);
  }

  async create(head: StreamHead): Promise<StreamWriter | undefined> {
    const writer = await this.#options.streams.create(head);
    return (
      writer && {
        get isKept() {
          return writer.isKept;
        },
        write: (bytes) => writer.write(bytes),
        reader: () => writer.reader(),
        finish: async (tail) => {
          await writer.finish(tail);
          this.#uploads.add(head.key);
        },
        abort: (error) => writer.abort(error),
      }
    );
  }

  /** The local store stays open. */
  async close(): Promise<void> {
    await Promise.all([this.#downloads.close(), this.#uploads.close()]);
    this.#options.objects.close();
  }
}

function noLongerThan(milliseconds: number, result: Promise<SharedResult>): Promise<SharedResult> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => resolve('timeout'), milliseconds);
    void result.then((value) => {
      clearTimeout(limit);
      resolve(value);
    });
  });
}
