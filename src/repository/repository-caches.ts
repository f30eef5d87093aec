/** What a thread keeps between requests: open packs, windows, rebuilt objects, index files, configurations, rendered answers. */
import { IndexFiles, type IndexSharing } from './index-files.ts';
import { KeptAnswers } from './kept-answers.ts';
import { ObjectArena } from './object-arena.ts';
import { ObjectDirectory } from './object-directory.ts';
import type { ObjectFormat } from './object-format.ts';
import { Configs } from './read-config.ts';
import { WindowCache } from './windows.ts';

export interface CacheBudgets {
  /** Bytes of pack windows. */
  readonly windows: number;
  /** Bytes of rebuilt objects. */
  readonly objects: number;
  /** Bytes of index files kept for repositories that are not being served; of all threads that share them. */
  readonly indexes: number;
  /** Bytes of rendered answers. */
  readonly answers: number;
}

export interface CacheOptions {
  /** The time, in milliseconds since 1970. */
  readonly now?: () => number;
  readonly sharing?: IndexSharing | undefined;
}

const MIB = 2 ** 20;
export const DEFAULT_BUDGETS: CacheBudgets = {
  windows: 12 * MIB,
  objects: 24 * MIB,
  indexes: 256 * MIB,
  answers: 32 * MIB,
};

/** Object directories that are kept open. */
const MAX_DIRECTORIES = 64;

export class RepositoryCaches {
  readonly windows: WindowCache;
  readonly arena: ObjectArena;
  readonly indexFiles: IndexFiles;
  readonly answers: KeptAnswers;
  readonly configs = new Configs();
  /** The time, in milliseconds since 1970. */
  readonly now: () => number;
  readonly #directories = new Map<string, ObjectDirectory>();
  /** Asked for since the last {@link closeIdle}. */
  readonly #used = new Set<ObjectDirectory>();

  /**
   * @param options the clock, and what the threads that share index files have in common; by default this thread has
   *   its own
   */
  constructor(budgets: CacheBudgets = DEFAULT_BUDGETS, { now = Date.now, sharing }: CacheOptions = {}) {
    this.windows = new WindowCache(budgets.windows);
    this.arena = new ObjectArena(budgets.objects);
    this.answers = new KeptAnswers(budgets.answers);
    this.now = now;
    this.indexFiles = new IndexFiles(budgets.indexes, sharing, () => this.trim());
  }

  /** The object directory at a real path, with its packs open since the last request. */
  objectDirectory(path: string, format: ObjectFormat): ObjectDirectory {
    const key = `${format.name}:${path}`;
    const directory =
      this.#directories.get(key) ?? new ObjectDirectory(path, format, this.windows, this.indexFiles);
    touch(this.#directories, key, directory);
    this.#used.add(directory);
    return directory;
  }

  /**
   * Closes the packs of directories that no one asked for since the last call: a pack that a repack removed takes its
   * place on the disk for as long as it is open. Drops index files that are not on disk any more.
   */
  closeIdle(): void {
    for (const [key, directory] of this.#directories) {
      if (directory.inUse || this.#used.has(directory)) continue;
      this.#directories.delete(key);
      directory.close();
    }
    this.#used.clear();
    this.indexFiles.dropVanished();
  }

  /** Lets go of everything. */
  close(): void {
    for (const directory of this.#directories.values()) directory.close();
    this.#directories.clear();
    this.answers.clear();
    this.indexFiles.close();
  }

  /**
   * Closes directories, but for those in use: the least recently used where there are too many, and those that hold
   * indexes in memory that have been dropped. Called after a request, and when indexes were dropped.
   */
  trim(): void {
    for (const [key, directory] of this.#directories) {
      if (directory.inUse) continue;
      if (this.#directories.size <= MAX_DIRECTORIES && !directory.holdsDropped) continue;
      this.#directories.delete(key);
      directory.close();
    }
  }
}

/** Puts a key at the end of a map, where the most recently used ones are. */
function touch<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
}
