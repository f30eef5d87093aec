/**
 * The packs of a multi-pack-index, numbered so that an answer of the index becomes the number of an object with one look
 * into a table. Packs lie in the order of the bits, so ascending bits are ascending numbers. Numbers start from 0 here; a
 * view adds where it puts the whole.
 */
import type { Stretches } from '../stretches.ts';
import { MultiPackIndex } from './multi-pack-index.ts';
import type { NumberedLayer, NumberedPack } from './numbered-layer.ts';

/** Bits that are looked at in one stretch. */
const PACE = 2 ** 13;

export class IndexedPacks {
  readonly index: MultiPackIndex;
  /** Ascending by number. */
  readonly packs: readonly NumberedPack[];
  /** No object has a number from here on; a multiple of 64. */
  readonly end: number;
  readonly #layers: readonly NumberedLayer[];

  /** @param layers one file, or those of a chain, the oldest first */
  constructor(layers: readonly NumberedLayer[]) {
    this.index = new MultiPackIndex(layers.map(({ layer }) => layer));
    this.#layers = layers;
    this.packs = layers.flatMap((layer) => layer.packs);
    this.end = layers.at(-1)!.end;
  }

  /** The number of the object whose id stands in `bytes` at `at`, or -1. */
  find(bytes: Uint8Array, at: number): number {
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const { layer, numbers } = this.#layers[i];
      const position = layer.find(bytes, at);
      if (position >= 0) return numbers[position];
    }
    return -1;
  }

  /** The number of the object at a position of the index. */
  numberAt(position: number): number {
    let i = this.#layers.length - 1;
    while (this.#layers[i].layer.base.objects > position) i--;
    const { layer, numbers } = this.#layers[i];
    return numbers[position - layer.base.objects];
  }

  /**
   * The numbers of the objects that bits stand for, ascending; undefined where the index does not know the order of its
   * bits, or has it wrong. Made when first asked for.
   */
  *numbersOfBits(): Stretches<Uint32Array | undefined> {
    const { index } = this;
    const numberAt = (position: number) => this.numberAt(position);
    if (!index.ordered) return undefined;
    const { layer, key } = this.#layers.at(-1)!;
    const { numbers } = yield* layer.file.derive(`bits ${key}`, function* () {
      const table = new Uint32Array(index.count);
      let previous = -1;
      for (let bit = 0; bit < index.count; bit++) {
        if (bit % PACE === PACE - 1) yield;
        const position = index.positionOfBit(bit);
        const number = position >= 0 && position < index.count ? numberAt(position) : -1;
        // With as many bits as objects, that they ascend says that each object has one.
        if (number <= previous) return { numbers: new Uint32Array(0) };
        table[bit] = number;
        previous = number;
      }
      return { numbers: table };
    });
    return numbers.length === index.count ? numbers : undefined;
  }
}
