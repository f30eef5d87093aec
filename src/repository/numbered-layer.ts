/** A layer of a multi-pack-index together with its packs, checked against their own indexes. */
import crypto from 'node:crypto';
import { repositoryCorrupt } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
import type { MultiPackIndexLayer } from './multi-pack-index-layer.ts';
import { alignNumber } from './object-numbers.ts';
import type { PackFile } from './pack-file.ts';

/** Objects that are looked up in one stretch: some 2 ms. */
const PACE = 1024;

/** A pack and the number of its first object. */
export interface NumberedPack {
  readonly pack: PackFile;
  readonly base: number;
}

export class NumberedLayer {
  readonly layer: MultiPackIndexLayer;
  /** Ascending by number: the preferred pack, then the others as the layer counts them. */
  readonly packs: readonly NumberedPack[];
  /** No object has a number from here on. */
  readonly end: number;
  #numbers!: Uint32Array;
  /** Names this layer, its packs and those below by their contents: what tables of numbers depend on. */
  readonly key: string;

  private constructor(layer: MultiPackIndexLayer, own: readonly PackFile[], below: readonly NumberedLayer[]) {
    this.layer = layer;
    const taken = [...own, ...below.flatMap((other) => other.packs.map(({ pack }) => pack))];
    if (new Set(taken).size < taken.length) throw repositoryCorrupt('it names a pack twice');
    const key = crypto.createHash('sha1').update(`${layer.preferredPack} ${below.at(-1)?.key ?? ''}`);
    key.update(layer.checksum);
    for (const { index } of own) key.update(index.packHash);
    this.key = key.digest('base64');

    let end = below.at(-1)?.end ?? 0;
    const order = [...own.keys()].sort(
      (a, b) => Number(b === layer.preferredPack) - Number(a === layer.preferredPack) || a - b,
    );
    this.packs = order.map((k) => {
      const base = end;
      end = alignNumber(base + own[k].index.count);
      return { pack: own[k], base };
    });
    this.end = end;
  }

  /**
   * @param packs the packs that can be read, by name
   * @param below the layers before this one, the oldest first
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` where a pack is not there, or holds other objects
   */
  static *read(
    layer: MultiPackIndexLayer,
    packs: ReadonlyMap<string, PackFile>,
    below: readonly NumberedLayer[],
  ): Stretches<NumberedLayer> {
    const own = layer.packNames.map((name) => {
      const pack = packs.get(name);
      if (!pack) throw repositoryCorrupt(`it names ${name}, which is not there`);
      return pack;
    });
    const numbered = new NumberedLayer(layer, own, below);
    const bases = own.map((pack) => numbered.packs.find((each) => each.pack === pack)!.base);
    const { numbers, fault } = yield* layer.file.derive(`numbers ${numbered.key}`, function* () {
      const table = new Uint32Array(layer.count);
      const wrong = (yield* numberObjects(layer, own, bases, below, table)) ?? '';
      return { numbers: wrong ? new Uint32Array(0) : table, fault: new TextEncoder().encode(wrong) };
    });
    if (fault.length > 0) throw repositoryCorrupt(new TextDecoder().decode(fault));
    numbered.#numbers = numbers;
    return numbered;
  }

  /** By position in the layer. */
  get numbers(): Uint32Array {
    return this.#numbers;
  }
}

/** Fills in the number of every position; what is wrong with the layer, where anything is. */
function* numberObjects(
  layer: MultiPackIndexLayer,
  packs: readonly PackFile[],
  bases: readonly number[],
  below: readonly NumberedLayer[],
  into: Uint32Array,
): Stretches<string | undefined> {
  const { data } = layer.file;
  const chosen = new Uint32Array(packs.length);
  if (!(yield* layer.sorted())) return 'its ids are not in order';
  for (let position = 0; position < layer.count; position++) {
    if (position % PACE === PACE - 1) yield;
    const k = layer.packOf(position);
    if (k >= packs.length) return 'it names a pack by a number that is too large';
    const { index } = packs[k];
    const rank = index.find(data, layer.oidAt(position));
    if (rank < 0 || index.offset(rank) !== layer.offsetOf(position)) {
      return `it does not agree with ${packs[k].name}.idx`;
    }
    into[position] = bases[k] + rank;
    chosen[k]++;
  }
  // The packs are not searched any more, so what was not chosen must have been chosen from another.
  for (const [k, { index, name }] of packs.entries()) {
    for (let rank = 0; chosen[k] < index.count && rank < index.count; rank++) {
      if (rank % PACE === PACE - 1) yield;
      const oid = index.oid(rank);
      if (layer.find(oid, 0) >= 0 || below.some((other) => other.layer.find(oid, 0) >= 0)) continue;
      return `it lacks objects of ${name}.idx`;
    }
  }
  return undefined;
}
