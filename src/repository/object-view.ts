/**
 * The objects of a repository as one request sees them. Every object has a **number**: packed ones the base of their
 * pack plus their rank, so ascending numbers are the order of pack and offset; loose ones count from
 * {@link FIRST_LOOSE}. Numbers fit in 32 bits and mean nothing outside their view.
 */
import { isIoError, objectMissing, PackhorseError, reasonOf, repositoryCorrupt } from '../errors.ts';
import { inOneGo, type Stretches } from '../stretches.ts';
import type { IndexedPacks } from './indexed-packs.ts';
import { FIRST_LOOSE, LooseNumbers } from './loose-numbers.ts';
import { loosePath } from './loose-objects.ts';
import { isThere } from './missing-file.ts';
import type { NumberedPack } from './numbered-layer.ts';
import type { FoundPacks, ObjectDirectory } from './object-directory.ts';
import type { ObjectFormat } from './object-format.ts';
import { alignNumber } from './object-numbers.ts';
import type { PackFile } from './pack-file.ts';
import { ViewedIndex } from './viewed-index.ts';

/** Where a packed object lies. */
export interface PackedAt {
  readonly pack: PackFile;
  readonly rank: number;
}

export { FIRST_LOOSE } from './loose-numbers.ts';

export class ObjectView {
  readonly format: ObjectFormat;
  readonly #directories: readonly ObjectDirectory[];
  readonly #packs: PackFile[] = [];
  /** The number of each pack's first object. */
  readonly #bases: number[] = [];
  readonly #indexes: ViewedIndex[] = [];
  #bitmapped: NumberedPack | ViewedIndex | undefined;
  /** A pack that is asked before all else: the bits of its bitmap stand for the copies that are found. */
  #first: NumberedPack | undefined;
  /** Packs that no multi-pack-index answers for: those that were there at first, and those that came later. */
  readonly #unindexed: NumberedPack[] = [];
  readonly #later: NumberedPack[] = [];
  /** Of each directory, from before its packs were listed. */
  #stamps: readonly (string | undefined)[];
  #indexProblems: readonly string[] = [];
  #packed = 0;
  readonly #loose: LooseNumbers;

  private constructor(format: ObjectFormat, directories: readonly ObjectDirectory[]) {
    this.format = format;
    this.#directories = directories;
    this.#loose = new LooseNumbers(format, directories);
    for (const directory of directories) directory.retain();
    this.#stamps = directories.map((directory) => directory.stamp());
  }

  /** @param options whether multi-pack-indexes may be used */
  static *open(
    format: ObjectFormat,
    directories: readonly ObjectDirectory[],
    options: { readonly multiPackIndex: boolean },
  ): Stretches<ObjectView> {
    const view = new ObjectView(format, directories);
    const found: FoundPacks[] = [];
    let isOpen = false;
    try {
      for (const directory of directories) {
        found.push(options.multiPackIndex ? yield* directory.indexedPacks() : yield* directory.plainPacks());
      }
      view.#admitAll(found);
      view.#indexProblems = directories.flatMap((each) =>
        options.multiPackIndex ? [...each.indexProblems, ...each.revProblems] : each.revProblems,
      );
      isOpen = true;
      return view;
    } finally {
      for (const { packs } of found) for (const pack of packs) pack.release();
      if (!isOpen) view.close();
    }
  }

  /** Gives up the packs; the view must not be used afterwards. */
  close(): void {
    for (const pack of this.#packs.splice(0)) pack.release();
    for (const directory of this.#directories) directory.release();
  }

  /** No packed object has a number from here on; a multiple of 64. */
  get packedEnd(): number {
    return this.#packed;
  }

  /** How many objects the packs hold, those in several packs counted as often. */
  get packedObjects(): number {
    return this.#packs.reduce((sum, { index }) => sum + index.count, 0);
  }

  get packCount(): number {
    return this.#packs.length;
  }

  /** The packs in their order, each with the number of its first object. */
  *packs(): Generator<{ pack: PackFile; base: number }> {
    for (const [k, pack] of this.#packs.entries()) yield { pack, base: this.#bases[k] };
  }

  /**
   * What has a bitmap: a multi-pack-index, or a pack. Of several, the first directory's, and there the index.
   * {@link find} finds the copies that its bits stand for.
   */
  get bitmapped(): NumberedPack | ViewedIndex | undefined {
    return this.#bitmapped;
  }

  /** The multi-pack-indexes that are asked before any pack. */
  get multiPackIndexes(): readonly ViewedIndex[] {
    return this.#indexes;
  }

  /** Why multi-pack-indexes and `.rev` files are not used; other than {@link problems}, these hide no objects. */
  get indexProblems(): readonly string[] {
    return this.#indexProblems;
  }

  /**
   * The number of the object whose id stands in `bytes` at `at`, or -1 when it is not there. A repack moves objects while
   * requests look for them, out of files that are gone into a pack that was not listed: then packs are listed again.
   */
  find(bytes: Uint8Array, at = 0): number {
    const number = this.#find(bytes, at);
    return number < 0 && this.#rescanIfChanged() ? this.#find(bytes, at) : number;
  }

  findHex(hex: string): number {
    return this.find(Buffer.from(hex, 'hex'));
  }

  /** {@link findHex} that looks at the disk again before it says no, as git does for wants. */
  findNow(hex: string): number {
    const found = this.findHex(hex);
    if (found >= 0) return found;
    this.rescan();
    return this.findHex(hex);
  }

  /** Admits packs and loose objects that appeared since; numbers given before stay valid. */
  rescan(): void {
    inOneGo(this.rescanning());
  }

  *rescanning(): Stretches<void> {
    this.#loose.forgetNames();
    this.#stamps = this.#directories.map((directory) => directory.stamp());
    for (const directory of this.#directories) this.#admitPacks(yield* directory.packs(), this.#later);
  }

  isLoose(number: number): boolean {
    return number >= FIRST_LOOSE;
  }

  /** Where a packed object lies. */
  packedAt(number: number): PackedAt {
    let k = 0;
    for (let end = this.#packs.length; end - k > 1; ) {
      const middle = (k + end) >>> 1;
      if (this.#bases[middle] > number) end = middle;
      else k = middle;
    }
    return { pack: this.#packs[k], rank: number - this.#bases[k] };
  }

  /** The number of an entry of a pack of this view. */
  numberOf(pack: PackFile, rank: number): number {
    return this.#bases[this.#packs.indexOf(pack)] + rank;
  }

  hex(number: number): string {
    if (this.isLoose(number)) return this.#loose.hex(number);
    const { pack, rank } = this.packedAt(number);
    return pack.index.oid(rank).toString('hex');
  }

  oid(number: number): Buffer {
    if (this.isLoose(number)) return Buffer.from(this.hex(number), 'hex');
    const { pack, rank } = this.packedAt(number);
    return pack.index.oid(rank);
  }

  /** The file of a loose object; undefined for the empty tree where no one stored it, or when the file is gone. */
  looseFile(number: number): string | undefined {
    const hex = this.hex(number);
    return this.#directories.map(({ path }) => loosePath(path, hex)).find(isThere);
  }

  /** The packed copy of an object that lay loose; -1 when there is none. */
  findPackedCopy(number: number): number {
    const oid = this.oid(number);
    const packed = this.#findPacked(oid, 0);
    return packed >= 0 ? packed : findIn(this.#later, oid, 0);
  }

  /** The numbers of the other copies of an object, packed ones first. */
  *copies(number: number): Generator<number> {
    const oid = Buffer.from(this.oid(number));
    for (const [k, { index }] of this.#packs.entries()) {
      const rank = index.find(oid);
      const copy = this.#bases[k] + rank;
      if (rank >= 0 && copy !== number) yield copy;
    }
    const loose = this.#loose.find(oid, 0);
    if (loose >= 0 && loose !== number) yield loose;
  }

  /** {@link copies} that looks at the disk again before it ends: a repack may have made one. */
  *copiesNow(number: number): Generator<number> {
    const known = new Set<number>();
    for (const copy of this.copies(number)) {
      known.add(copy);
      yield copy;
    }
    this.rescan();
    for (const copy of this.copies(number)) if (!known.has(copy)) yield copy;
  }

  /** Names of the loose objects whose ids start with the byte `first`, less their first two digits: a set a directory. */
  looseNames(first: number): readonly Set<string>[] {
    return this.#loose.names(first);
  }

  /** Why packs could not be used: with any, that an object is not found does not mean that it is not there. */
  get problems(): PackhorseError[] {
    return this.#directories.flatMap((directory) => directory.problems);
  }

  /** The error to throw for an object that is not there, with the reason where one is known. */
  missing(hex: string): Error {
    const { problems } = this;
    const what = `unable to read ${hex}`;
    const failed = problems.find(isIoError);
    if (failed)
      return new PackhorseError('PACKHORSE_IO', `${what}: ${failed.message}`, {
        client: `${what}: ${failed.client}`,
      });
    return objectMissing(hex, problems.map(reasonOf).join('; ') || undefined);
  }

  #find(bytes: Uint8Array, at: number): number {
    const packed = this.#findPacked(bytes, at);
    if (packed >= 0) return packed;
    if (this.#later.length > 0) {
      // What has a number keeps it.
      const given = this.#loose.given(bytes, at);
      if (given >= 0) return given;
      const later = findIn(this.#later, bytes, at);
      if (later >= 0) return later;
    }
    return this.#loose.find(bytes, at);
  }

  #rescanIfChanged(): boolean {
    const same = this.#directories.every((directory, k) => {
      const stamp = this.#stamps[k];
      return stamp !== undefined && directory.stamp() === stamp;
    });
    if (!same) this.rescan();
    return !same;
  }

  #findPacked(bytes: Uint8Array, at: number): number {
    if (this.#first) {
      const rank = this.#first.pack.index.find(bytes, at);
      if (rank >= 0) return this.#first.base + rank;
    }
    for (let k = 0; k < this.#indexes.length; k++) {
      const number = this.#indexes[k].find(bytes, at);
      if (number >= 0) return number;
    }
    return findIn(this.#unindexed, bytes, at);
  }

  #admitAll(found: readonly FoundPacks[]): void {
    for (const [k, { indexed }] of found.entries()) {
      if (indexed) this.#admitIndexed(indexed, this.#directories[k]);
    }
    for (const { packs } of found) this.#admitPacks(packs, this.#unindexed);
    this.#findBitmapped(found.map(({ packs }) => packs));
  }

  /**
   * A view keeps the indexes that it began with: an object that was found must be found under the same number again,
   * even where a newer index has chosen another copy.
   */
  #admitIndexed(indexed: IndexedPacks, directory: ObjectDirectory): void {
    const base = this.#packed;
    this.#indexes.push(new ViewedIndex(indexed, base, directory.path, [...this.#indexes]));
    for (const { pack, base: own } of indexed.packs) this.#admit(pack, base + own);
  }

  #admitPacks(packs: readonly PackFile[], to: NumberedPack[]): void {
    for (const pack of packs) {
      if (this.#packs.includes(pack)) continue;
      const base = this.#packed;
      this.#admit(pack, base);
      to.push({ pack, base });
    }
  }

  #findBitmapped(packs: readonly (readonly PackFile[])[]): void {
    for (const [k, objects] of this.#directories.entries()) {
      const index = this.#indexes.find(({ directory }) => directory === objects.path);
      if (index?.bitmapPaths.every(isThere)) {
        this.#bitmapped = index;
        return;
      }
      const pack = packs[k].find(({ name }) => objects.hasFile(`${name}.bitmap`));
      if (!pack) continue;
      this.#first = { pack, base: this.numberOf(pack, 0) };
      this.#bitmapped = this.#first;
      return;
    }
  }

  #admit(pack: PackFile, base: number): void {
    pack.retain();
    this.#packs.push(pack);
    this.#bases.push(base);
    this.#packed = alignNumber(base + pack.index.count);
    if (this.#packed > FIRST_LOOSE) throw repositoryCorrupt('more than 2^31 packed objects');
  }
}

/** The number of an object in the first of these packs that has it, or -1. */
function findIn(packs: readonly NumberedPack[], bytes: Uint8Array, at: number): number {
  for (let k = 0; k < packs.length; k++) {
    const { pack, base } = packs[k];
    const rank = pack.index.find(bytes, at);
    if (rank >= 0) return base + rank;
  }
  return -1;
}
