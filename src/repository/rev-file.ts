/** Reverse indexes (protocol section 6.3): the index position of every rank. */
import type { Stretches } from '../stretches.ts';
import type { ObjectFormat } from './object-format.ts';
import { endsWithHash } from './trailing-hash.ts';

const HEADER_BYTES = 12;
/** Positions that are looked at in one stretch. */
const PACE = 2 ** 14;
const HASH_IDS: Readonly<Record<string, number>> = { sha1: 1, sha256: 2 };

/** The pack index that a file must fit. */
export interface RevTarget {
  readonly count: number;
  readonly format: ObjectFormat;
  readonly packHash: Buffer;
  readonly offsetAt: (position: number) => number;
}

/**
 * The positions, as numbers of this machine: a look-up in them is one read, and the file itself is not kept.
 * @throws an error that says why the file is not to be trusted
 */
export function* parseRev(
  data: Buffer,
  { count, format, packHash, offsetAt }: RevTarget,
): Stretches<Uint32Array> {
  const check = (right: boolean, what: string) => {
    if (!right) throw new Error(what);
  };
  const checksum = data.length - format.bytes;
  check(data.length === HEADER_BYTES + count * 4 + 2 * format.bytes, 'its length does not fit the index');
  check(data.toString('latin1', 0, 4) === 'RIDX' && data.readUInt32BE(4) === 1, 'it is not of version 1');
  check(data.readUInt32BE(8) === HASH_IDS[format.name], 'it is of another object format');
  check(data.subarray(checksum - format.bytes, checksum).equals(packHash), 'it belongs to another pack');
  check(yield* endsWithHash(data, format), 'its checksum is wrong');
  const positions = new Uint32Array(count);
  let previous = -1;
  for (let rank = 0; rank < count; rank++) {
    if (rank % PACE === PACE - 1) yield;
    const position = data.readUInt32BE(HEADER_BYTES + rank * 4);
    if (position >= count) throw new Error('it names a position that the index does not have');
    const offset = offsetAt(position);
    if (offset <= previous) throw new Error('it is not in the order of the pack');
    positions[rank] = position;
    previous = offset;
  }
  return positions;
}
