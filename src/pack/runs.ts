/** Runs: entries that lie side by side in a pack and are sent as they lie there. */
import zlib from 'node:zlib';
import { OFS_DELTA, REF_DELTA } from '../repository/object-format.ts';
import type { ObjectView, PackedAt } from '../repository/object-view.ts';
import type { PackFile } from '../repository/pack-file.ts';
import { hasCrc, WHOLE } from './entry-crc.ts';
import type { PackOrder } from './pack-order.ts';

export interface Run {
  readonly kind: 'run';
  /** Place of the first entry in the order of the pack, and how many there are. */
  readonly index: number;
  readonly count: number;
  readonly at: PackedAt;
  /** Whether all bases lie in the run too: then no distance can have changed. */
  readonly closed: boolean;
}

/** Entries, and bytes, that are looked at in one go; those known to be good are not. */
const LOOKED_AT = 1024;
const BYTES_LOOKED_AT = 1024 * 1024;
const ALL = 0xffffffff;

export class RunFinder {
  readonly #view: ObjectView;
  readonly #order: PackOrder;
  readonly #ofsDelta: boolean;

  /**
   * @param order the objects of the pack to be
   * @param ofsDelta whether a base may be named by its distance
   */
  constructor(view: ObjectView, order: PackOrder, ofsDelta: boolean) {
    this.#view = view;
    this.#order = order;
    this.#ofsDelta = ofsDelta;
  }

  /**
   * The longest run that begins at `index`, as far as one look goes; undefined where that entry must be looked at by
   * itself: it is loose, damaged or long, its base is not sent before it, or named by its id.
   * @param last what comes from `last` on is not to be taken into the run
   * @param made numbers of objects that are sent in another form than the stored one
   */
  find(index: number, last: number, made: ReadonlyMap<number, unknown>): Run | undefined {
    const number = this.#order.at(index);
    if (this.#view.isLoose(number)) return undefined;
    const at = this.#view.packedAt(number);
    const most = Math.min(last, this.#order.stretchEnd(index)) - index;
    // Whole packs, as clones take them: bases come before their deltas, so they lie in a run from the first entry on.
    let count = at.rank === 0 && this.#ofsDelta && made.size === 0 ? this.#knownGood(at.pack, most) : 0;
    let closed = true;
    if (count === 0) {
      const start = at.pack.index.offset(at.rank);
      const end = Math.min(most, at.pack.index.count - at.rank, LOOKED_AT);
      while (count < end) {
        if (at.pack.index.offset(at.rank + count) - start > BYTES_LOOKED_AT) break;
        if (made.size > 0 && made.has(number + count)) break;
        const base = this.#baseOf(at.pack, at.rank + count);
        if (base < 0 || (base > 0 && base < start && !this.#isSent(at, base, number))) break;
        if (base > 0 && base < start) closed = false;
        count++;
      }
    }
    return count === 0 ? undefined : { kind: 'run', index, count, at, closed };
  }

  /** How many of the first entries of a pack are all known to be good, of `most`. */
  #knownGood({ copyable, index: { count } }: PackFile, most: number): number {
    const end = Math.min(most, count);
    let n = 0;
    while (n + 32 <= end && copyable[n >>> 5] === ALL) n += 32;
    return n;
  }

  /** Where the base of an entry starts, 0 for a whole object, -1 for an entry that cannot be copied as it lies. */
  #baseOf(pack: PackFile, rank: number): number {
    const bit = 1 << (rank & 31);
    try {
      const { type, baseOffset } = pack.head(rank);
      if (type === REF_DELTA || (type === OFS_DELTA && !this.#ofsDelta)) return -1;
      const base = type === OFS_DELTA ? baseOffset : 0;
      if (pack.copyable[rank >>> 5] & bit) return base;
      const from = pack.index.offset(rank);
      const length = pack.end(rank) - from;
      if (length > WHOLE || !hasCrc(pack, rank, zlib.crc32(pack.bytes(from, length)))) return -1;
      pack.copyable[rank >>> 5] |= bit;
      return base;
    } catch {
      return -1; // damaged: the look at it alone says so, or finds another copy
    }
  }

  /** Whether the base at an offset is sent from the same pack: it comes earlier then. */
  #isSent({ pack, rank }: PackedAt, offset: number, number: number): boolean {
    const base = pack.index.rankAt(offset);
    return base >= 0 && this.#order.has(number - rank + base);
  }
}
