/** The stream cache of a service, and what is to be seen of it. */
import type { Logger } from 'pino';
import type { WorkerSettings } from '../../channel/task.ts';
import { reasonOf } from '../../errors.ts';
import { StreamPolicy } from '../../store/streams/stream-policy.ts';
import { type LeavingReason, StreamStore } from '../../store/streams/stream-store.ts';
import { type S3Options, S3Store } from '../shared-cache/s3-store.ts';
import { SharedStreams, type SharedTimes } from '../shared-cache/shared-streams.ts';
import type { StreamBudget } from '../stream-budget.ts';
import { StreamCache } from './stream-cache.ts';

/** Part of the space that is for objects that had to be deflated. */
const ENTRY_SHARE = 0.1;

export interface SharedCacheOptions extends S3Options, SharedTimes {}

export interface KeptPacksOptions {
  /** The directory below which repositories are served. */
  readonly root: string;
  readonly cacheDir: string;
  /** Bytes on disk; 0: nothing is kept. */
  readonly cacheSize: number;
  readonly cacheMinUses: number;
  /** The object store that services share; undefined: none. */
  readonly sharedCache: SharedCacheOptions | undefined;
}

export interface Evicted {
  streams: number;
  bytes: number;
}

export interface KeptPacks {
  readonly cache: StreamCache;
  readonly store: StreamStore;
  /** For objects that had to be deflated: only who holds the directory writes to it. */
  readonly entries: WorkerSettings['entryStore'];
  /** Undefined: nothing is shared. */
  readonly shared: SharedStreams | undefined;
  /** What left, by why. */
  readonly evicted: Readonly<Record<LeavingReason, Evicted>>;
  close(): Promise<void>;
}

/**
 * @returns undefined where nothing is to be kept, or the directory cannot be had: then every pack is made
 * @throws Error where the shared cache cannot be used as it is configured
 */
export async function openKeptPacks(
  { root, cacheDir, cacheSize, cacheMinUses, sharedCache }: KeptPacksOptions,
  streams: StreamBudget,
  logger: Logger,
): Promise<KeptPacks | undefined> {
  if (cacheSize === 0) return undefined;
  const entryBytes = Math.floor(cacheSize * ENTRY_SHARE);
  const budget = cacheSize - entryBytes;
  const objects = sharedCache && (await S3Store.open(sharedCache));
  const policy = new StreamPolicy({ budget, minUses: cacheMinUses, now: Date.now });
  const none = (): Evicted => ({ streams: 0, bytes: 0 });
  const evicted = { age: none(), budget: none(), damaged: none(), purged: none() };
  let store: StreamStore;
  try {
    store = await StreamStore.open(cacheDir, {
      budget,
      policy,
      onFault: (what, error) =>
        logger.warn({ err: error, directory: cacheDir }, `${what}; nothing is kept for a while`),
      onEvicted: (reason, bytes) => {
        if (bytes === 0) return; // it had left before
        evicted[reason].streams++;
        evicted[reason].bytes += bytes;
      },
    });
  } catch (error) {
    objects?.close();
    logger.error({ directory: cacheDir }, `packs are not kept: ${reasonOf(error)}`);
    return undefined;
  }
  const shared = objects && new SharedStreams({ ...sharedCache!, streams: store, objects, logger });
  const cache = new StreamCache({
    streams: shared ?? store,
    root,
    asked: (key) => policy.asked(key),
    window: () => streams.window,
  });
  const close = async () => {
    await shared?.close();
    await store.close();
  };
  const entries = { directory: cacheDir, budget: entryBytes };
  return { cache, store, entries, shared, evicted, close };
}
