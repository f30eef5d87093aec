/** The reachability bitmaps of a view, in the view's own numbers. */
import { PackhorseError } from '../errors.ts';
import { BitmapFile, bitmapWords } from './bitmap-file.ts';
import type { IndexFiles } from './index-files.ts';
import type { NumberSet } from './number-set.ts';
import type { ObjectType } from './object-format.ts';
import type { ObjectView } from './object-view.ts';
import type { PackFile } from './pack-file.ts';

/** How the positions and bits of a bitmap file stand for objects of a view. */
export interface BitLayout {
  /** Objects that the file knows. */
  readonly objects: number;
  /** The position of an object in the file's index, or -1. */
  positionOf(number: number): number;
  /** Adds what a bitmap holds to a set. */
  addTo(set: NumberSet, words: Uint32Array): void;
}

/** Bitmaps of some commits: everything that each reaches. */
export class Reachability {
  readonly #file: BitmapFile;
  readonly #layout: BitLayout;
  readonly #words: Uint32Array;

  constructor(file: BitmapFile, layout: BitLayout) {
    this.#file = file;
    this.#layout = layout;
    this.#words = bitmapWords(file.bits);
  }

  /** How many objects the file knows. */
  get objects(): number {
    return this.#layout.objects;
  }

  /** Whether the file knows the object, so that it knows its type too. */
  covers(number: number): boolean {
    return this.#layout.positionOf(number) >= 0;
  }

  /** Adds all that a commit reaches, itself included, where it has a bitmap. */
  addReachable(commit: number, set: NumberSet): boolean {
    const position = this.#layout.positionOf(commit);
    const row = position < 0 ? -1 : this.#file.rowOf(position);
    if (row < 0) return false;
    this.#words.fill(0);
    this.#file.xorRow(row, this.#words);
    this.#addTo(set);
    return true;
  }

  /** Adds every object of a type that the file knows. */
  addType(type: ObjectType, set: NumberSet): void {
    this.#words.fill(0);
    this.#file.xorType(type, this.#words);
    this.#addTo(set);
  }

  /** git's hash of the path at which an object was met; 0 where it is not known. */
  nameHash(number: number): number {
    const position = this.#layout.positionOf(number);
    return position < 0 ? 0 : this.#file.nameHash(position);
  }

  #addTo(set: NumberSet): void {
    const { bits } = this.#file;
    // Bits behind the last object stand for nothing.
    for (let bit = bits; bit < this.#words.length * 32; bit++) this.#words[bit >>> 5] &= ~(1 << (bit & 31));
    this.#layout.addTo(set, this.#words);
  }
}

/** The bits of a pack's bitmap are its ranks, and numbers are aligned: words fit words. */
class PackLayout implements BitLayout {
  readonly #pack: PackFile;
  readonly #base: number;

  constructor(pack: PackFile, base: number) {
    this.#pack = pack;
    this.#base = base;
  }

  get objects(): number {
    return this.#pack.index.count;
  }

  positionOf(number: number): number {
    const rank = number - this.#base;
    return rank >= 0 && rank < this.#pack.index.count ? this.#pack.index.positionOf(rank) : -1;
  }

  addTo(set: NumberSet, words: Uint32Array): void {
    const to = set.packedWords(this.#base, words.length);
    for (let i = 0; i < words.length; i++) to[i] |= words[i];
  }
}

/**
 * The first usable bitmap of a view's packs, as git takes only one.
 * @param unusable told why a bitmap cannot be used
 */
export function openReachability(
  view: ObjectView,
  files: IndexFiles,
  unusable: (file: string, why: string) => void,
): Reachability | undefined {
  for (const { pack, base } of view.packs()) {
    const path = `${pack.stem}.bitmap`;
    const file = files.open(path);
    if (!file) continue;
    try {
      const bitmaps = new BitmapFile(file, view.format, pack.index.count, pack.index.packHash);
      return new Reachability(bitmaps, new PackLayout(pack, base));
    } catch (error) {
      if (!(error instanceof PackhorseError)) throw error;
      unusable(path, error.message);
    }
  }
  return undefined;
}
