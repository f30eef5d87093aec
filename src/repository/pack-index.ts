/** Pack indexes, version 1 and 2 (protocol section 6.2), and the order of a pack's objects on disk. */
import { repositoryCorrupt } from '../errors.ts';
import type { ObjectFormat } from './object-format.ts';
import { sortByOffset } from './offset-order.ts';
import { FANOUT_BYTES, OidTable } from './oid-table.ts';

const MAGIC_V2 = 0xff744f63;
const KEY_SPACE = 2 ** 32;

/**
 * An index held in memory. Objects have two numbers: the **index position** (order of ids, as stored) and the
 * **rank** (order of offsets in the pack). All of Packhorse speaks of ranks; positions stay inside this class.
 */
export class PackIndex {
  readonly count: number;
  readonly #data: Buffer;
  readonly #view: DataView;
  readonly #hash: number;
  readonly #version: 1 | 2;
  readonly #ids: OidTable;
  /** From one id to the next, in bytes. */
  readonly #stride: number;
  readonly #crcs: number;
  readonly #offsets: number;
  readonly #wideOffsets: number;
  readonly #positionOfRank: Uint32Array;
  readonly #rankOfPosition: Uint32Array;

  /**
   * @param data the whole `.idx` file
   * @param name the file's name, for messages
   * @param rev the whole `.rev` file where there is one; a wrong one is ignored
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`
   */
  constructor(data: Buffer, format: ObjectFormat, name: string, rev?: Buffer) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
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
    this.#positionOfRank = this.#readRev(rev) ?? sortByOffset(this.count, (i) => this.#offsetAt(i));
    this.#rankOfPosition = new Uint32Array(this.count);
    for (let rank = 0; rank < this.count; rank++) this.#rankOfPosition[this.#positionOfRank[rank]] = rank;
  }

  /** Bytes of memory held. */
  get memory(): number {
    return this.#data.length + this.count * 8;
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

  /** Section 6.3: `RIDX`, version 1, hash id, then the index position of every rank. */
  #readRev(rev: Buffer | undefined): Uint32Array | undefined {
    if (rev?.length !== 12 + this.count * 4 + 2 * this.#hash) return undefined;
    if (rev.toString('latin1', 0, 4) !== 'RIDX' || rev.readUInt32BE(4) !== 1) return undefined;
    const packHash = rev.subarray(rev.length - 2 * this.#hash, rev.length - this.#hash);
    if (!packHash.equals(this.packHash)) return undefined;
    const positions = new Uint32Array(this.count);
    let previous = -1;
    for (let rank = 0; rank < this.count; rank++) {
      positions[rank] = rev.readUInt32BE(12 + rank * 4);
      if (positions[rank] >= this.count) return undefined;
      const offset = this.#offsetAt(positions[rank]);
      if (offset <= previous) return undefined;
      previous = offset;
    }
    return positions;
  }
}
