/** The reachability bitmaps of a view, in the view's own numbers. */
import type { Stretches } from '../stretches.ts';
import { type BitmapFile, bitmapWords } from './bitmap-file.ts';
import type { NumberSet } from './number-set.ts';
import type { ObjectType } from './object-format.ts';

/** How the positions and bits of bitmap files stand for objects of a view. */
export interface BitLayout {
  /** Objects that the files know. */
  readonly objects: number;
  /** The position of an object in the files' index, or -1. */
  positionOf(number: number): number;
  /** Adds what a bitmap holds to a set. */
  addTo(set: NumberSet, words: Uint32Array): Stretches<void>;
}

/** Bitmaps of some commits: everything that each reaches. */
export class Reachability {
  readonly #files: readonly BitmapFile[];
  readonly #layout: BitLayout;
  readonly #words: Uint32Array;

  /** @param files one, or those of a chain, the oldest layer's first */
  constructor(files: readonly BitmapFile[], layout: BitLayout) {
    this.#files = files;
    this.#layout = layout;
    this.#words = bitmapWords(files.at(-1)!.bits);
  }

  /** How many objects the files know. */
  get objects(): number {
    return this.#layout.objects;
  }

  /** Whether the files know the object, so that they know its type too. */
  covers(number: number): boolean {
    return this.#layout.positionOf(number) >= 0;
  }

  /** Whether a commit has a bitmap. */
  has(commit: number): boolean {
    const position = this.#layout.positionOf(commit);
    return position >= 0 && this.#files.some((file) => file.rowOf(position) >= 0);
  }

  /** Adds all that a commit with a bitmap reaches, itself included. */
  *addReachable(commit: number, set: NumberSet): Stretches<void> {
    const position = this.#layout.positionOf(commit);
    const file = this.#files.find((each) => each.rowOf(position) >= 0)!;
    this.#words.fill(0);
    yield* file.xorRow(file.rowOf(position), this.#words);
    yield* this.#addTo(set, file.bits);
  }

  /** Adds every object of a type that the files know. */
  *addType(type: ObjectType, set: NumberSet): Stretches<void> {
    for (const file of this.#files) {
      this.#words.fill(0);
      file.xorType(type, this.#words);
      yield* this.#addTo(set, file.bits);
    }
  }

  /** git's hash of the path at which an object was met; 0 where it is not known. */
  nameHash(number: number): number {
    const position = this.#layout.positionOf(number);
    return this.#files.find(({ bits }) => position >= 0 && position < bits)?.nameHash(position) ?? 0;
  }

  *#addTo(set: NumberSet, bits: number): Stretches<void> {
    // Bits behind the last object stand for nothing.
    for (let bit = bits; bit < this.#words.length * 32; bit++) this.#words[bit >>> 5] &= ~(1 << (bit & 31));
    yield* this.#layout.addTo(set, this.#words);
  }
}
