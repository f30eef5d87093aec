/** One `objects` directory: its packs, kept open between requests, and its loose objects. */
import fs from 'node:fs';
import path from 'node:path';
import { ioError, isSystemError, PackhorseError, reasonOf, repositoryCorrupt } from '../errors.ts';
import type { IndexFiles } from './index-files.ts';
import type { IndexedPacks } from './indexed-packs.ts';
import { unlessMissing } from './missing-file.ts';
import { readMultiPackIndex } from './multi-pack-index-chain.ts';
import type { ObjectFormat } from './object-format.ts';
import { PackFile } from './pack-file.ts';
import { Stamps } from './stamps.ts';
import type { WindowCache } from './windows.ts';

interface KnownPack {
  /** Tells one file under a name from the next. */
  readonly identity: string;
  readonly order: string;
  readonly pack: PackFile;
}

/** How often a listing is made anew when packs vanish between listing and opening. */
const LISTING_TRIES = 5;

export class ObjectDirectory {
  readonly path: string;
  readonly #format: ObjectFormat;
  readonly #windows: WindowCache;
  readonly #indexFiles: IndexFiles;
  #known = new Map<string, KnownPack>();
  #users = 0;
  /** Packs that could not be used, with the reason, as of the last listing. */
  #unusable = new Map<string, { identity: string; why: PackhorseError }>();
  #indexProblems: readonly string[] = [];
  /** Names of the files of the pack directory, as of the last listing. */
  #names: ReadonlySet<string> = new Set();

  constructor(directory: string, format: ObjectFormat, windows: WindowCache, indexFiles: IndexFiles) {
    this.path = directory;
    this.#format = format;
    this.#windows = windows;
    this.#indexFiles = indexFiles;
  }

  /** Why packs of this directory could not be used: they are damaged, or the disk does not give them. */
  get problems(): PackhorseError[] {
    return [...this.#unusable.values()].map((entry) => entry.why);
  }

  /** Why multi-pack-indexes were not used when they were last looked at. */
  get indexProblems(): readonly string[] {
    return this.#indexProblems;
  }

  /** Why `.rev` files are not used. */
  get revProblems(): string[] {
    return [...this.#known.values()].flatMap(({ pack }) => pack.revProblems);
  }

  /** Whether its packs hold on to indexes that were dropped: to close it frees their memory. */
  get holdsDropped(): boolean {
    for (const { pack } of this.#known.values()) if (!pack.indexIsHeld) return true;
    return false;
  }

  /**
   * The packs as they lie on disk now, largest first (most objects are found in the first look-up), cruft packs
   * last. The caller retains those it uses.
   */
  packs(): PackFile[] {
    for (let attempt = 1; ; attempt++) {
      const listing = this.#list();
      if (this.#open(listing) || attempt === LISTING_TRIES) break;
    }
    return [...this.#known.values()].sort((a, b) => (a.order < b.order ? -1 : 1)).map((known) => known.pack);
  }

  /** {@link packs}, and the multi-pack-index of those where there is one that can be used. */
  indexedPacks(): { packs: PackFile[]; indexed: IndexedPacks | undefined } {
    const directory = path.join(this.path, 'pack');
    for (let again = false; ; again = true) {
      const packs = this.packs();
      const { indexed, problems } = readMultiPackIndex(directory, packs, this.#format, this.#indexFiles);
      const known = problems.every((problem) => this.#indexProblems.includes(problem));
      this.#indexProblems = problems;
      // A repack may have replaced packs and index after the packs were listed.
      if (known || again) return { packs, indexed };
    }
  }

  /**
   * What the pack directory looks like from outside: a listing that is made after it is as good for as long as it stays
   * the same. Undefined where that cannot be told, because it has changed lately.
   */
  stamp(): string | undefined {
    const stamps = new Stamps();
    const stat = stamps.see(path.join(this.path, 'pack'), true);
    return stamps.settled(Date.now()) ? `${stat && identityOf(stat)}` : undefined;
  }

  /** Whether a file lay in the pack directory when it was listed last. */
  hasFile(name: string): boolean {
    return this.#names.has(name);
  }

  /** Names of the loose objects whose ids start with the byte `fanout`, less their first two digits. */
  looseNames(fanout: number): Set<string> {
    const directory = path.join(this.path, fanout.toString(16).padStart(2, '0'));
    return new Set(unlessMissing(() => fs.readdirSync(directory), []));
  }

  /** Says that a view reads from here: a directory in use is not to be closed. */
  retain(): void {
    this.#users++;
  }

  release(): void {
    this.#users--;
  }

  get inUse(): boolean {
    return this.#users > 0;
  }

  /** Lets go of every pack. */
  close(): void {
    for (const { pack } of this.#known.values()) pack.release();
    this.#known.clear();
  }

  /** Names of packs (without extension) with what identifies and orders each. */
  #list(): Map<string, { identity: string; order: string }> {
    const directory = path.join(this.path, 'pack');
    const names = unlessMissing(() => fs.readdirSync(directory), []);
    const all = new Set(names);
    this.#names = all;
    const listing = new Map<string, { identity: string; order: string }>();
    for (const file of names) {
      const name = file.slice(0, -'.idx'.length);
      if (file.startsWith('.') || !file.endsWith('.idx') || !all.has(`${name}.pack`)) continue;
      const stat = fs.statSync(path.join(directory, `${name}.pack`), { throwIfNoEntry: false });
      const index = fs.statSync(path.join(directory, file), { throwIfNoEntry: false });
      if (!stat || !index) continue;
      const cruft = all.has(`${name}.mtimes`) ? 1 : 0;
      const bySize = (Number.MAX_SAFE_INTEGER - stat.size).toString().padStart(16, '0');
      listing.set(name, {
        identity: `${identityOf(stat)}:${identityOf(index)}`,
        order: `${cruft}:${bySize}:${name}`,
      });
    }
    return listing;
  }

  /** Brings the open packs in line with a listing; false when a pack was gone before it could be opened. */
  #open(listing: Map<string, { identity: string; order: string }>): boolean {
    for (const [name, known] of this.#known) {
      if (listing.get(name)?.identity === known.identity) {
        known.pack.renew();
        continue;
      }
      this.#known.delete(name);
      known.pack.releaseGone();
    }
    let complete = true;
    const unusable = new Map<string, { identity: string; why: PackhorseError }>();
    for (const [name, { identity, order }] of listing) {
      if (this.#known.has(name)) continue;
      const failed = this.#unusable.get(name);
      if (failed?.identity === identity) {
        unusable.set(name, failed);
        continue;
      }
      try {
        const pack = PackFile.open(
          path.join(this.path, 'pack'),
          name,
          this.#format,
          this.#windows,
          this.#indexFiles,
        );
        this.#known.set(name, { identity, order, pack });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') complete = false;
        if (error instanceof PackhorseError) unusable.set(name, { identity, why: error });
        // What the system says may be otherwise the next time.
        else unusable.set(name, { identity: '', why: unusablePack(name, error) });
      }
    }
    this.#unusable = unusable;
    return complete;
  }
}

function unusablePack(name: string, error: unknown): PackhorseError {
  return isSystemError(error) ? ioError(name, error) : repositoryCorrupt(`${name}: ${reasonOf(error)}`);
}

function identityOf({ ino, size, mtimeMs }: fs.Stats): string {
  return `${ino}:${size}:${mtimeMs}`;
}
