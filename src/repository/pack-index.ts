/** Pack indexes, version 1 and 2 (protocol section 6.2), and the order of a pack's objects on disk. */
import { reasonOf, repositoryCorrupt } from '../errors.ts';
import { already, type Stretches } from '../stretches.ts';
import type { IndexFile, Tables } from './index-files.ts';
import type { ObjectFormat } from './object-format.ts';
import { sortByOffset } from './offset-order.ts';
import { FANOUT_BYTES, OidTable } from './oid-table.ts';
import { parseRev } from './rev-file.ts';

const MAGIC_V2 = 0xff744f63;
const KEY_SPACE = 2 ** 32;
/** Ranks that are given to positions in one stretch. */
const PACE = 2 ** 16;
/** Of the tables made from an index. */
const ORDER = 'order';

/** Both ways between positions and ranks, and as text why the `.rev` file was ignored (empty: it was not). */
interface PackOrder extends Tables {
  readonly positions: Uint32Array;
  readonly ranks: Uint32Array;
  readonly revProblem: Uint8Array;
}

/** Where the bytes of an index are, with room for tables made from them. */
export type IndexSource = Pick<IndexFile, 'data' | 'derive'>;

/**
 * An index held in memory. Objects have two numbers: the **index position** (order of ids, as stored) and the
 * **rank** (order of offsets in the pack). All of Packhorse speaks of ranks; positions stay inside this class.
 */
export class PackIndex {
  readonly count: number;
  readonly #data: Buffer;
  readonly #view: DataView;
  readonly #format: ObjectFormat;
  readonly #hash: number;
  readonly #version: 1 | 2;
  readonly #ids: OidTable;
  /** From one id to the next, in bytes. */
  readonly #stride: number;
  readonly #crcs: number;
  readonly #offsets: number;
  readonly #wideOffsets: number;
  #order!: PackOrder;
  #positionOfRank!: Uint32Array;
  #rankOfPosition!: Uint32Array;

  private constructor(data: Buffer, format: ObjectFormat, name: string) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#format = format;
    this.#hash = format.bytes;
    const fail = (what: string) => repositoryCorrupt(`${name} is not a pack index: ${what}`);
    if (data.length < FANOUT_BYTES + 2 * this.#hash) throw fail('it is too short');
    this.#version = this.#view.getUint32(0) === MAGIC_V2 ? 2 : 1;
    const start = this.#version === 2 ? 8 : 0;
    if (this.#version === 2 && this.#view.getUint32(4) !== 2) {
      throw fail(`version ${this.#view.getUint32(4)} is not known`);
    }
    if (data.length < start + FANOUT_BYTES + 2 * this.#hash) throw fail('it is too short');
    const table = start + FANOUT_BYTES;
    this.#stride = this.#version === 2 ? this.#hash : this.#hash + 4;
    const ids = this.#version === 2 ? table : table + 4;
    this.#ids = new OidTable(data, { fanout: start, ids, stride: this.#stride, hash: this.#hash }, fail);
    this.count = this.#ids.count;
    const row = this.#version === 2 ? this.#hash + 8 : this.#hash + 4;
    const least = table + this.count * row + 2 * this.#hash;
    const extra = data.length - least;
    if (this.#version === 1 ? extra !== 0 : extra < 0 || extra > 8 * Math.max(0, this.count - 1)) {
      throw fail(`its length is ${data.length} where ${least} was expected`);
    }
    this.#crcs = table + this.count * this.#hash;
    this.#offsets = this.#version === 2 ? this.#crcs + this.count * 4 : table;
    this.#wideOffsets = this.#offsets + this.count * 4;
  }

  /**
   * @param source the whole `.idx` file
   * @param name the file's name, for messages
   * @param readRev gives the whole `.rev` file where there is one; a wrong one is ignored. It is asked for once for
   *   all workers that share the source.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`
   */
  static *read(
    source: IndexSource,
    format: ObjectFormat,
    name: string,
    readRev: () => Stretches<Buffer | undefined>,
  ): Stretches<PackIndex> {
    const index = new PackIndex(source.data, format, name);
    index.#order = yield* source.derive(ORDER, () => index.#makeOrder(readRev));
    index.#positionOfRank = index.#order.positions;
    index.#rankOfPosition = index.#order.ranks;
    return index;
  }

  /** Why the `.rev` file was ignored; undefined where it was not, or where there is none. */
  get revProblem(): string | undefined {
    return Buffer.from(this.#order.revProblem).toString() || undefined;
  }

  /** Whether this index reads from that source and from its tables: the workers may have agreed on other ones. */
  *readsFrom(source: IndexSource): Stretches<boolean> {
    if (source.data !== this.#data) return false;
    return (yield* source.derive(ORDER, () => already(this.#order))) === this.#order;
  }

  /** The hash that ends the pack this index belongs to. */
  get packHash(): Buffer {
    const end = this.#data.length - this.#hash;
    return this.#data.subarray(end - this.#hash, end);
  }

  /** The rank of the object whose id stands in `bytes` at `at`, or -1. */
  find(bytes: Uint8Array, at = 0): number {
    const position = this.#ids.find(bytes, at);
    return position < 0 ? -1 : this.#rankOfPosition[position];
  }

  /** The rank of the object at an index position. */
  rankOf(position: number): number {
    return this.#rankOfPosition[position];
  }

  /** The index position of the object at a rank. */
  positionOf(rank: number): number {
    return this.#positionOfRank[rank];
  }

  /** Where the entry of `rank` starts in the pack. */
  offset(rank: number): number {
    return this.#offsetAt(this.#positionOfRank[rank]);
  }

  /** The id of the object at `rank`; the bytes are the index's own and must not be changed. */
  oid(rank: number): Buffer {
    const at = this.#ids.at(this.#positionOfRank[rank]);
    return this.#data.subarray(at, at + this.#hash);
  }

  /** The ids that start with the byte `first`, ascending; the bytes are the index's own. */
  *idsStartingWith(first: number): Generator<Buffer> {
    const { from, to } = this.#ids.range(first);
    for (let position = from; position < to; position++) {
      const at = this.#ids.at(position);
      yield this.#data.subarray(at, at + this.#hash);
    }
  }

  /** CRC-32 of the entry as it lies in the pack; version 1 indexes have none. */
  crc(rank: number): number | undefined {
    if (this.#version === 1) return undefined;
    return this.#view.getUint32(this.#crcs + this.#positionOfRank[rank] * 4);
  }

  /** The rank of the entry that starts exactly at `offset`, or -1. */
  rankAt(offset: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const value = this.offset(middle);
      if (value === offset) return middle;
      if (value < offset) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #offsetAt(position: number): number {
    // Version 1 keeps each offset in the row of its id.
    if (this.#version === 1) return this.#view.getUint32(this.#offsets + position * this.#stride);
    const value = this.#view.getUint32(this.#offsets + position * 4);
    if (value < 0x80000000) return value;
    const at = this.#wideOffsets + (value - 0x80000000) * 8;
    if (at + 8 > this.#data.length - 2 * this.#hash) {
      throw repositoryCorrupt('a pack index names a 64-bit offset that it does not hold');
    }
    return this.#view.getUint32(at) * KEY_SPACE + this.#view.getUint32(at + 4);
  }

  /** From the `.rev` file, which has been seen to be sound, or by sorting. */
  *#makeOrder(readRev: () => Stretches<Buffer | undefined>): Stretches<PackOrder> {
    const { count } = this;
    const offsetAt = (position: number) => this.#offsetAt(position);
    let positions: Uint32Array | undefined;
    let revProblem = '';
    try {
      const rev = yield* readRev();
      const target = { count, format: this.#format, packHash: this.packHash, offsetAt };
      if (rev) positions = yield* parseRev(rev, target);
    } catch (error) {
      revProblem = reasonOf(error);
    }
    positions ??= yield* sortByOffset(count, offsetAt);
    const ranks = new Uint32Array(count);
    for (let rank = 0; rank < count; rank++) {
      if (rank % PACE === PACE - 1) yield;
      ranks[positions[rank]] = rank;
    }
    return { positions, ranks, revProblem: Buffer.from(revProblem) };
  }
}
