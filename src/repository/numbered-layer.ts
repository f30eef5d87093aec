/** A layer of a multi-pack-index together with its packs, checked against their own indexes. */
import crypto from 'node:crypto';
import { repositoryCorrupt } from '../errors.ts';
import type { MultiPackIndexLayer } from './multi-pack-index-layer.ts';
import { alignNumber } from './object-numbers.ts';
import type { PackFile } from './pack-file.ts';

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
  /** By position in the layer. */
  readonly numbers: Uint32Array;
  /** Names this layer, its packs and those below by their contents: what tables of numbers depend on. */
  readonly key: string;

  /**
   * @param packs the packs that can be read, by name
   * @param below the layers before this one, the oldest first
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` where a pack is not there, or holds other objects
   */
  constructor(
    layer: MultiPackIndexLayer,
    packs: ReadonlyMap<string, PackFile>,
    below: readonly NumberedLayer[],
  ) {
    this.layer = layer;
    const own = layer.packNames.map((name) => {
      const pack = packs.get(name);
      if (!pack) throw repositoryCorrupt(`it names ${name}, which is not there`);
      return pack;
    });
    const taken = [...own, ...below.flatMap((other) => other.packs.map(({ pack }) => pack))];
    if (new Set(taken).size < taken.length) throw repositoryCorrupt('it names a pack twice');
    const key = crypto.createHash('sha1').update(`${layer.preferredPack} ${below.at(-1)?.key ?? ''}`);
    key.update(layer.checksum);
    for (const { index } of own) key.update(index.packHash);
    this.key = key.digest('base64');

    let end = below.at(-1)?.end ?? 0;
    const bases = new Uint32Array(own.length);
    const order = [...own.keys()].sort(
      (a, b) => Number(b === layer.preferredPack) - Number(a === layer.preferredPack) || a - b,
    );
    this.packs = order.map((k) => {
      bases[k] = end;
      end = alignNumber(end + own[k].index.count);
      return { pack: own[k], base: bases[k] };
    });
    this.end = end;
    const { numbers, fault } = layer.file.derive(`numbers ${this.key}`, () => {
      const table = new Uint32Array(layer.count);
      const wrong = numberObjects(layer, own, bases, below, table) ?? '';
      return { numbers: wrong ? new Uint32Array(0) : table, fault: new TextEncoder().encode(wrong) };
    });
    if (fault.length > 0) throw repositoryCorrupt(new TextDecoder().decode(fault));
    this.numbers = numbers;
  }
}

/** Fills in the number of every position; what is wrong with the layer, where anything is. */
function numberObjects(
  layer: MultiPackIndexLayer,
  packs: readonly PackFile[],
  bases: Uint32Array,
  below: readonly NumberedLayer[],
  into: Uint32Array,
): string | undefined {
  const { data } = layer.file;
  const chosen = new Uint32Array(packs.length);
  if (!layer.sorted) return 'its ids are not in order';
  for (let position = 0; position < layer.count; position++) {
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
      const oid = index.oid(rank);
      if (layer.find(oid, 0) >= 0 || below.some((other) => other.layer.find(oid, 0) >= 0)) continue;
      return `it lacks objects of ${name}.idx`;
    }
  }
  return undefined;
}
