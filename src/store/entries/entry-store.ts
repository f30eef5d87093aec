/**
 * Entries that had to be made anew for a pack, kept for those that follow: `entries/` below the cache directory, one
 * directory for each repository and way to deflate, with segments that only grow. Each thread appends to segments of its
 * own and reads those of all. What the bytes of an entry depend on (its object, zlib and its level) is in the names of
 * the directories and in the records, so that a kept entry is the one that would be made.
 */
import crypto from 'node:crypto';
import path from 'node:path';
import { PackhorseError, reasonOf } from '../../errors.ts';
import type { HashName } from '../../repository/object-format.ts';
import { repositoryIdentity } from '../../repository/repository-identity.ts';
import { WindowCache } from '../../repository/windows.ts';
import { inStretches, type Pause } from '../../stretches.ts';
import { keepWithin } from './entry-budget.ts';
import { entriesDirectory, repositoryPrefix } from './entry-directories.ts';
import { PackEntries } from './pack-entries.ts';
import { LONGEST_SEGMENT, RepositoryEntries } from './repository-entries.ts';

export interface EntryStoreOptions {
  /** The cache directory. */
  readonly directory: string;
  /** Bytes of all segments, about. */
  readonly budget: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** Of which repository, and how its entries are made. */
export interface EntryForm {
  /** The real path of its git directory, the common one of all worktrees. */
  readonly directory: string;
  readonly hash: HashName;
  /** zlib's level. */
  readonly level: number;
}

/** Told that the store is off for a while, and why. */
export type OnFault = (directory: string, why: string) => void;

/** A segment is this part of the budget, so that as much leaves at a time. */
const SEGMENTS = 32;
/** The part of it that a thread writes before it looks at the budget again. */
const SWEPT_AFTER = 1 / 128;
const WINDOWS = 1024 * 1024;
/** Repositories that a thread keeps open, and bytes that their tables may take. */
const MOST_OPEN = 32;
const MOST_MEMORY = 32 * 1024 * 1024;
/** Milliseconds after which a disk that failed is tried again. */
const OFF_FOR = 60_000;
/** What the bytes of a zlib stream depend on besides the level: some processors have code of their own. */
const DEFLATED_BY = `${process.versions.zlib} ${process.arch}`;

/** One for each thread. */
export class EntryStore {
  readonly #directory: string;
  readonly #budget: number;
  readonly #now: () => number;
  readonly #windows = new WindowCache(WINDOWS);
  /** By directory, the least recently used first. */
  readonly #open = new Map<string, RepositoryEntries>();
  readonly #used = new Set<RepositoryEntries>();
  #offUntil = Number.NEGATIVE_INFINITY;
  /** Bytes written since the last look at the budget; there may have been many before. */
  #unswept = Number.POSITIVE_INFINITY;
  #sweeping: Promise<void> | undefined;

  constructor({ directory, budget, now = () => performance.now() }: EntryStoreOptions) {
    this.#directory = entriesDirectory(directory);
    this.#budget = budget;
    this.#now = now;
  }

  get isOff(): boolean {
    return this.#now() < this.#offUntil;
  }

  /**
   * What is kept of a repository, for one pack that is to be made of it.
   * @returns undefined while the store is off
   */
  async open(form: EntryForm, onFault: OnFault, pause: Pause): Promise<PackEntries | undefined> {
    if (this.isOff) return undefined;
    const fail = (error: Error) => {
      this.#offUntil = this.#now() + OFF_FOR;
      onFault(this.#directory, reasonOf(error));
    };
    let pack: PackEntries | undefined;
    try {
      const entries = this.#entriesOf(form);
      const onWritten = (bytes: number) => this.#written(bytes, fail);
      pack = new PackEntries(entries, { onFault: fail, onWritten });
      await inStretches(entries.refreshing(), pause);
      // For the first pack: there may be more than there is to be now.
      onWritten(0);
      return pack;
    } catch (error) {
      pack?.close();
      // The task was cancelled. Anything else is no reason to fail a fetch.
      if (error instanceof PackhorseError) throw error;
      fail(error as Error);
      return undefined;
    }
  }

  /** Closes what no pack was made of since the last call. */
  closeIdle(): void {
    for (const [name, entries] of this.#open) {
      if (!this.#used.has(entries)) this.#closeUnused(name, entries);
    }
    this.#used.clear();
  }

  close(): void {
    for (const entries of this.#open.values()) entries.close();
    this.#open.clear();
  }

  /** Resolves when what was to be removed is. */
  async settled(): Promise<void> {
    await this.#sweeping;
  }

  /** Removes the oldest segments where there are too many, in the background: now and then. */
  #written(bytes: number, fail: (error: Error) => void): void {
    this.#unswept += bytes;
    if (this.#unswept < this.#budget * SWEPT_AFTER || this.#sweeping) return;
    this.#unswept = 0;
    this.#sweeping = keepWithin(this.#directory, this.#budget)
      .catch(fail)
      .finally(() => {
        this.#sweeping = undefined;
      });
  }

  #entriesOf({ directory: repository, hash, level }: EntryForm): RepositoryEntries {
    const form = [repositoryIdentity(repository), hash, level, DEFLATED_BY].join('\n');
    const own = crypto.createHash('sha256').update(form).digest('hex').slice(0, 16);
    const directory = path.join(this.#directory, `${repositoryPrefix(repository)}-${own}`);
    const segmentBytes = Math.min(LONGEST_SEGMENT, Math.floor(this.#budget / SEGMENTS));
    const entries =
      this.#open.get(directory) ??
      new RepositoryEntries({ directory, repository, hash, windows: this.#windows, segmentBytes });
    this.#open.delete(directory);
    this.#open.set(directory, entries);
    this.#used.add(entries);
    this.#closeOldest();
    return entries;
  }

  /** Those of packs in the making, and the one used last, stay. */
  #closeOldest(): void {
    const memory = () => [...this.#open.values()].reduce((sum, each) => sum + each.memory, 0);
    for (const [name, entries] of [...this.#open].slice(0, -1)) {
      if (this.#open.size <= MOST_OPEN && memory() <= MOST_MEMORY) return;
      this.#closeUnused(name, entries);
    }
  }

  #closeUnused(name: string, entries: RepositoryEntries): void {
    if (entries.users > 0) return;
    entries.close();
    this.#open.delete(name);
  }
}
