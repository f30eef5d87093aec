/**
 * Bundles for clones: below the cache directory a directory for each repository, with a list and the files that it
 * names. The list decides: it is written beside its place and renamed, when its files are there; what it does not name
 * is not given out.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isSystemError, PackhorseError } from '../../errors.ts';
import { unlessMissing } from '../../repository/missing-file.ts';
import type { Repository } from '../../repository/repository.ts';
import { identityOf } from '../../repository/repository-identity.ts';
import { BundleBudget, type BundleCounts } from './bundle-budget.ts';
import { type Bundle, type BundleList, keptBundles, retire } from './bundle-list.ts';
import { BundleWriter, fileName, idOf } from './bundle-writer.ts';
import { LIST, ListFile, stampOf, statOf } from './list-file.ts';

/** Milliseconds after which no one writes a file any more. */
const UNFINISHED_FOR = 3_600_000;
/** Milliseconds after which bundles are removed that no one has used. */
const UNUSED_FOR = 30 * 86_400_000;
/** One bundle may take so much of the budget: it is not to push out all others. */
const BUNDLE_SHARE = 0.5;
/** Room is made for so much of the budget at a time. */
const STEP_SHARE = 1 / 64;
/** Checks that are remembered. */
const MOST_REMEMBERED = 1000;
/** Bytes that are hashed at a time. */
const SLICE = 2 ** 19;

type Owner = Pick<Repository, 'gitDirectory' | 'namespace'>;

/** A bundle's file that is as it was written, to be closed by who opened it. */
export interface OpenBundle {
  readonly file: fs.promises.FileHandle;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

export interface BundleStoreOptions {
  /** Bytes of files; no bound where left out. */
  readonly budget?: number;
  /** Kept up to date. */
  readonly counts?: BundleCounts;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export class BundleStore {
  readonly #directory: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly #lists: ListFile;
  readonly #bytes: number;
  readonly #budget: BundleBudget;
  /** Whether files are what was written, by their stamps. */
  readonly #sound = new Map<string, Promise<boolean>>();

  /** @param directory the cache directory; made when the first bundle is */
  constructor(
    directory: string,
    { budget = Number.MAX_SAFE_INTEGER, counts, now = Date.now }: BundleStoreOptions = {},
  ) {
    this.#directory = path.join(directory, 'bundles');
    this.now = now;
    this.#lists = new ListFile(now);
    this.#bytes = budget;
    this.#budget = new BundleBudget(this.#directory, this.#lists, budget, counts);
  }

  /** The bundles of a repository; undefined where it has none, or those there are were another's at the same path. */
  list(owner: Owner): BundleList | undefined {
    const list = this.#lists.read(this.#directoryOf(owner));
    return list && list.identity === identityOf(owner.gitDirectory) ? list : undefined;
  }

  /** Whether the files of all that are offered are there, and none is cut short. */
  isWhole(owner: Owner, { offered }: BundleList): boolean {
    const directory = this.#directoryOf(owner);
    return offered.every(({ id, bytes }) => statOf(path.join(directory, fileName(id)))?.size === bytes);
  }

  /** A client is told of them, or given one. */
  used(owner: Owner): void {
    this.#lists.used(this.#directoryOf(owner));
  }

  /**
   * Begins another bundle.
   * @param goesOn whether it is of use only together with those that are offered
   */
  create(owner: Owner, goesOn: boolean): Promise<BundleWriter> {
    return BundleWriter.create(this.#directoryOf(owner), (file, bytes) => this.#roomFor(file, bytes, goesOn));
  }

  /** Offers these from now on, whose files are there, in place of those that were before. */
  offer(owner: Owner, offered: readonly Bundle[]): void {
    const { gitDirectory } = owner;
    const identity = identityOf(gitDirectory);
    if (identity === undefined) return;
    const now = this.now();
    const list = { gitDirectory, identity, offered, retired: retire(this.list(owner), offered, now) };
    const directory = this.#directoryOf(owner);
    this.#lists.write(directory, list);
    this.#prune(directory, list);
    this.#budget.makeRoom();
  }

  /**
   * Opens a bundle's file. All of it is looked at when this store opens it for the first time, and when it has changed.
   * @returns undefined where it is gone or damaged: then none of the repository's is offered any more
   */
  async open(owner: Owner, bundle: Bundle): Promise<OpenBundle | undefined> {
    const directory = this.#directoryOf(owner);
    const file = await openFile(path.join(directory, fileName(bundle.id)));
    let keep = false;
    try {
      const stat = await file?.stat();
      keep = stat?.size === bundle.bytes && (await this.#isSound(file!, stat, bundle.id));
      if (keep) return { file: file!, bytes: bundle.bytes, modified: stat!.mtimeMs };
      // It may have left meanwhile, and others come in its place.
      const list = this.#lists.read(directory);
      if (list && keptBundles(list, this.now()).some(({ id }) => id === bundle.id)) {
        this.#lists.remove(directory);
      }
      return undefined;
    } finally {
      if (!keep) await file?.close();
    }
  }

  /**
   * Removes what is of no use: bundles of repositories that are gone, what was never finished, what has had its time; and
   * what there is no room for.
   */
  sweep(): void {
    // Another thread may be at it too, or the disk fails. What stays is met again.
    const attempt = (work: () => void) => {
      try {
        work();
      } catch (error) {
        if (!isSystemError(error)) throw error;
      }
    };
    attempt(() => {
      for (const name of unlessMissing(() => fs.readdirSync(this.#directory), [])) {
        attempt(() => this.#sweep(path.join(this.#directory, name)));
      }
      this.#budget.makeRoom();
    });
  }

  /** How many bytes a file may come to have, where so many are needed. @throws PackhorseError where there is no room */
  #roomFor(file: string, bytes: number, goesOn: boolean): number {
    const most = this.#bytes * BUNDLE_SHARE;
    for (const room of [Math.min(most, bytes + this.#bytes * STEP_SHARE), bytes]) {
      if (bytes <= most && this.#budget.makeRoom({ file, bytes: room, goesOn })) return room;
    }
    throw new PackhorseError(
      'PACKHORSE_IO',
      `the space for bundles (${this.#bytes} bytes) has no room for it`,
    );
  }

  #sweep(directory: string): void {
    const list = this.#lists.read(directory);
    const isGone = list && list.identity !== identityOf(list.gitDirectory);
    const isUseless = isGone || this.#lists.lastUse(directory) + UNUSED_FOR < this.now();
    if (isUseless) {
      this.#lists.remove(directory);
      for (const { id } of list ? [...list.offered, ...list.retired] : []) {
        fs.rmSync(path.join(directory, fileName(id)), { force: true });
      }
    }
    this.#prune(directory, isUseless ? undefined : list);
  }

  #directoryOf({ gitDirectory, namespace }: Owner): string {
    const hash = crypto.createHash('sha256').update(`${gitDirectory}\0${namespace}`);
    return path.join(this.#directory, hash.digest('hex').slice(0, 32));
  }

  #isSound(file: fs.promises.FileHandle, stat: fs.Stats, id: string): Promise<boolean> {
    const stamp = stampOf(stat);
    const known = this.#sound.get(stamp);
    if (known) return known;
    const looking = hashOf(file, stat.size).then((hash) => hash === id);
    // A disk that fails now may do its part later.
    looking.catch(() => this.#sound.delete(stamp));
    if (this.#sound.size === MOST_REMEMBERED) this.#sound.clear();
    this.#sound.set(stamp, looking);
    return looking;
  }

  /** Removes the files that a list does not name, but for what someone may be writing. */
  #prune(directory: string, list: BundleList | undefined): void {
    const kept = new Set(list ? keptBundles(list, this.now()).map(({ id }) => fileName(id)) : []);
    const known = new Set(list ? [...list.offered, ...list.retired].map(({ id }) => fileName(id)) : []);
    for (const name of unlessMissing(() => fs.readdirSync(directory), [])) {
      if (name === LIST || kept.has(name)) continue;
      const file = path.join(directory, name);
      const stat = statOf(file);
      const isOld = stat && stat.mtimeMs + UNFINISHED_FOR < this.now();
      if (known.has(name) || isOld) fs.rmSync(file, { force: true });
    }
    if (!list && fs.existsSync(directory) && fs.readdirSync(directory).length === 0) fs.rmdirSync(directory);
  }
}

async function openFile(file: string): Promise<fs.promises.FileHandle | undefined> {
  try {
    return await fs.promises.open(file);
  } catch (error) {
    return unlessMissing(() => {
      throw error;
    }, undefined);
  }
}

async function hashOf(file: fs.promises.FileHandle, size: number): Promise<string> {
  const hash = crypto.createHash('sha256');
  const slice = Buffer.allocUnsafeSlow(SLICE);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(slice, 0, SLICE, at);
    if (bytesRead === 0) break;
    hash.update(slice.subarray(0, bytesRead));
    at += bytesRead;
  }
  return idOf(hash);
}
