/** One `objects` directory: its packs, kept open between requests, and its loose objects. */
import fs from 'node:fs';
import path from 'node:path';
import { ioError, isSystemError, PackhorseError, reasonOf, repositoryCorrupt } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
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

/** Packs, retained for who asked, with what a multi-pack-index knows of them. */
export interface FoundPacks {
  readonly packs: readonly PackFile[];
  readonly indexed: IndexedPacks | undefined;
}

type Listing = ReadonlyMap<string, Pick<KnownPack, 'identity' | 'order'>>;

/** Files of a listing that are looked at in one stretch. */
const PACE = 32;

/** How often a listing is made anew when packs vanish between listing and opening. */
const LISTING_TRIES = 5;

export class ObjectDirectory {
  readonly path: string;
  readonly #format: ObjectFormat;
  readonly #windows: WindowCache;
  readonly #indexFiles: IndexFiles;
  readonly #known = new Map<string, KnownPack>();
  #users = 0;
  /** Packs that could not be used, with the reason, as of the last listing. */
  readonly #unusable = new Map<string, { identity: string; why: PackhorseError }>();
  #indexProblems: readonly string[] = [];
  /** Names of the files of the pack directory, as of the last listing. */
  #names: ReadonlySet<string> = new Set();
  /** Listings begun so far, and the one that the open packs were brought in line with last. */
  #listings = 0;
  #latest = 0;

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
   * last. The caller retains those it uses at once: other requests go on in between.
   */
  *packs(): Stretches<PackFile[]> {
    const opened = new Map<string, KnownPack>();
    // One that is closed while it is looked at would keep what is found open for ever.
    this.retain();
    try {
      for (let attempt = 1; ; attempt++) {
        const serial = ++this.#listings;
        const listing = yield* this.#list();
        const complete = (yield* this.#open(listing, opened)) && this.#knowsAll(listing, opened);
        if (attempt < LISTING_TRIES && !(complete && serial > this.#latest)) continue;
        this.#latest = serial;
        this.#adopt(listing, opened);
        break;
      }
    } finally {
      for (const { pack } of opened.values()) pack.release();
      this.release();
    }
    return [...this.#known.values()].sort((a, b) => (a.order < b.order ? -1 : 1)).map((known) => known.pack);
  }

  /** {@link packs}, without a look at multi-pack-indexes. */
  *plainPacks(): Stretches<FoundPacks> {
    const packs = yield* this.packs();
    for (const pack of packs) pack.retain();
    return { packs, indexed: undefined };
  }

  /** {@link packs}, and their multi-pack-index where there is one that can be used. */
  *indexedPacks(): Stretches<FoundPacks> {
    const directory = path.join(this.path, 'pack');
    for (let again = false; ; again = true) {
      const packs = yield* this.packs();
      for (const pack of packs) pack.retain();
      let taken = false;
      try {
        const { indexed, problems } = yield* readMultiPackIndex(
          directory,
          packs,
          this.#format,
          this.#indexFiles,
        );
        const known = problems.every((problem) => this.#indexProblems.includes(problem));
        this.#indexProblems = problems;
        // A repack may have replaced packs and index after the packs were listed.
        taken = known || again;
        if (taken) return { packs, indexed };
      } finally {
        if (!taken) for (const pack of packs) pack.release();
      }
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
  *#list(): Stretches<Listing> {
    const directory = path.join(this.path, 'pack');
    const names = unlessMissing(() => fs.readdirSync(directory), []);
    const all = new Set(names);
    this.#names = all;
    const listing = new Map<string, { identity: string; order: string }>();
    for (const [i, file] of names.entries()) {
      if (i % PACE === PACE - 1) yield;
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

  /** Opens those packs of a listing that are not open yet; false when one was gone before it could be opened. */
  *#open(listing: Listing, into: Map<string, KnownPack>): Stretches<boolean> {
    const directory = path.join(this.path, 'pack');
    let complete = true;
    for (const [name, { identity, order }] of listing) {
      const known = [this.#known, into, this.#unusable];
      if (known.some((packs) => packs.get(name)?.identity === identity)) continue;
      yield;
      try {
        const pack = yield* PackFile.open(directory, name, this.#format, this.#windows, this.#indexFiles);
        into.get(name)?.pack.release();
        into.set(name, { identity, order, pack });
        this.#unusable.delete(name);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') complete = false;
        if (error instanceof PackhorseError) this.#unusable.set(name, { identity, why: error });
        // What the system says may be otherwise the next time.
        else this.#unusable.set(name, { identity: '', why: unusablePack(name, error) });
      }
    }
    return complete;
  }

  /** False where another request has given up a pack of the listing since. */
  #knowsAll(listing: Listing, opened: ReadonlyMap<string, KnownPack>): boolean {
    for (const name of listing.keys()) {
      if (!this.#known.has(name) && !opened.has(name) && !this.#unusable.has(name)) return false;
    }
    return true;
  }

  /** Brings the open packs in line with a listing. */
  #adopt(listing: Listing, opened: Map<string, KnownPack>): void {
    for (const [name, known] of this.#known) {
      if (listing.get(name)?.identity === known.identity) {
        known.pack.renew();
        continue;
      }
      this.#known.delete(name);
      known.pack.releaseGone();
    }
    for (const name of this.#unusable.keys()) if (!listing.has(name)) this.#unusable.delete(name);
    for (const [name, pack] of opened) {
      if (listing.get(name)?.identity !== pack.identity || this.#known.has(name)) continue;
      this.#known.set(name, pack);
      opened.delete(name);
    }
  }
}

function unusablePack(name: string, error: unknown): PackhorseError {
  return isSystemError(error) ? ioError(name, error) : repositoryCorrupt(`${name}: ${reasonOf(error)}`);
}

function identityOf({ ino, size, mtimeMs }: fs.Stats): string {
  return `${ino}:${size}:${mtimeMs}`;
}
