/** A multi-pack-index in the numbers of a view. */
import path from 'node:path';
import type { Stretches } from '../stretches.ts';
import type { IndexedPacks } from './indexed-packs.ts';
import type { MultiPackIndex } from './multi-pack-index.ts';
import type { MultiPackIndexLayer } from './multi-pack-index-layer.ts';

/** Bits that are looked at in one stretch. */
const PACE = 2 ** 12;

export class ViewedIndex {
  readonly index: MultiPackIndex;
  /** The `objects` directory that it belongs to. */
  readonly directory: string;
  readonly #indexed: IndexedPacks;
  readonly #base: number;
  readonly #before: readonly ViewedIndex[];
  #numbersOfBits: Uint32Array | undefined;

  /**
   * @param base the number of the first object of its packs
   * @param before the indexes that the view asks first
   */
  constructor(indexed: IndexedPacks, base: number, directory: string, before: readonly ViewedIndex[]) {
    this.index = indexed.index;
    this.directory = directory;
    this.#indexed = indexed;
    this.#base = base;
    this.#before = before;
  }

  /** Where the bitmaps of its layers would be. */
  get bitmapPaths(): string[] {
    const { layers } = this.index;
    return layers.map(({ file, checksum }) => {
      const directory = path.dirname(file.path);
      return path.join(directory, `multi-pack-index-${checksum.toString('hex')}.bitmap`);
    });
  }

  /** The number of the object whose id stands in `bytes` at `at`, or -1. */
  find(bytes: Uint8Array, at: number): number {
    const number = this.#indexed.find(bytes, at);
    return number < 0 ? -1 : this.#base + number;
  }

  /** The number under which the view finds the object at a position of the index. */
  numberAt(position: number): number {
    const { layers } = this.index;
    let i = layers.length - 1;
    while (layers[i].base.objects > position) i--;
    const before = this.#findBefore(layers[i], position - layers[i].base.objects);
    return before >= 0 ? before : this.#base + this.#indexed.numberAt(position);
  }

  /**
   * The numbers under which the view finds the objects that bits stand for. They ascend, but for objects that an index
   * asked before this one has as well. Undefined where the order of the bits is not known. Made when first asked for;
   * other views may have the same table.
   */
  *numbersOfBits(): Stretches<Uint32Array | undefined> {
    const own = yield* this.#indexed.numbersOfBits();
    if (!own || this.#base === 0) return own;
    this.#numbersOfBits ??= yield* this.#translate(own);
    return this.#numbersOfBits;
  }

  *#translate(own: Uint32Array): Stretches<Uint32Array> {
    const numbers = own.map((number) => this.#base + number);
    for (const layer of this.index.layers) {
      const { objects } = layer.base;
      for (let bit = objects; bit < objects + layer.count; bit++) {
        if (bit % PACE === PACE - 1) yield;
        const number = this.#findBefore(layer, layer.positionOfBit(bit));
        if (number >= 0) numbers[bit] = number;
      }
    }
    return numbers;
  }

  #findBefore(layer: MultiPackIndexLayer, position: number): number {
    for (const other of this.#before) {
      const number = other.find(layer.file.data, layer.oidAt(position));
      if (number >= 0) return number;
    }
    return -1;
  }
}
