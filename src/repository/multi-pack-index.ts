/**
 * The multi-pack-index of an object directory: one file, or a chain of them. Positions, packs and bits are counted over
 * the whole chain, the oldest layer first.
 */
import type { MultiPackIndexLayer, PackBits } from './multi-pack-index-layer.ts';

export class MultiPackIndex {
  /** The oldest first; never empty. */
  readonly layers: readonly MultiPackIndexLayer[];
  readonly count: number;
  /** Names of the packs, without extension. */
  readonly packNames: readonly string[];

  constructor(layers: readonly MultiPackIndexLayer[]) {
    this.layers = layers;
    this.count = layers.reduce((sum, layer) => sum + layer.count, 0);
    this.packNames = layers.flatMap((layer) => layer.packNames);
  }

  /** The position of the object whose id stands in `bytes` at `at`, or -1. */
  find(bytes: Uint8Array, at = 0): number {
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const layer = this.layers[i];
      const position = layer.find(bytes, at);
      if (position >= 0) return layer.base.objects + position;
    }
    return -1;
  }

  /** The id of an object (a copy). */
  oid(position: number): Buffer {
    const layer = this.#layerOf(position);
    const at = layer.oidAt(position - layer.base.objects);
    return Buffer.from(layer.file.data.subarray(at, at + layer.checksum.length));
  }

  /** The pack of an object's chosen copy. */
  packOf(position: number): number {
    const layer = this.#layerOf(position);
    return layer.base.packs + layer.packOf(position - layer.base.objects);
  }

  /**
   * Where the entry of that copy starts.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`
   */
  offsetOf(position: number): number {
    const layer = this.#layerOf(position);
    return layer.offsetOf(position - layer.base.objects);
  }

  /** Whether {@link positionOfBit} can be asked: without an order of the bits there is no use for bitmaps. */
  get ordered(): boolean {
    return this.layers.every((layer) => layer.ordered);
  }

  /** The position of the object that a bit of a bitmap stands for. */
  positionOfBit(bit: number): number {
    // A layer has as many bits as positions, and both start at the same number.
    const layer = this.#layerOf(bit);
    return layer.base.objects + layer.positionOfBit(bit);
  }

  /** The pack that has the first bits. */
  get preferredPack(): number {
    return this.layers[0].preferredPack;
  }

  /** The bits of a pack's objects; undefined where the file does not say. */
  packBits(pack: number): PackBits | undefined {
    const layer = this.layers.findLast(({ base }) => base.packs <= pack)!;
    return layer.packBits(pack - layer.base.packs);
  }

  #layerOf(position: number): MultiPackIndexLayer {
    let i = this.layers.length - 1;
    while (this.layers[i].base.objects > position) i--;
    return this.layers[i];
  }
}
