/** Reachability bitmaps as git stores them (protocol section 6.8): for some commits, every object they reach. */
import crypto from 'node:crypto';
import { repositoryCorrupt } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
import { checkEwah, wordsFor, xorEwah } from './ewah.ts';
import type { IndexFile, Tables } from './index-files.ts';
import type { ObjectFormat, ObjectType } from './object-format.ts';
import { sortByOffset } from './offset-order.ts';
import { hasSoundTrailer } from './trailing-hash.ts';

const MAGIC = 'BITM';
const VERSION = 1;
const FULL_DAG = 0x1;
const HASH_CACHE = 0x4;
const LOOKUP_TABLE = 0x10;
const PSEUDO_MERGES = 0x20;
/** git's writer looks back no further than this for a bitmap to be XORed with. */
const FURTHEST_XOR = 160;
const ENTRY_HEAD = 6;
const LOOKUP_ROW = 16;
/** At the end of the pseudo-merges: two counts, where their table is, and the size of it all. */
const PSEUDO_MERGES_TAIL = 24;
const NO_ROW = 0xffffffff;

/** What the bitmaps of a file are of. */
export interface BitmapScope {
  /** How many objects there are in the pack or multi-pack-index; for a layer of a chain with those of the layers below. */
  readonly objects: number;
  /** How many those are. */
  readonly below?: number;
}

/** By row: the position of its commit, where its bitmap starts, and the row it is XORed with; rows by position. */
interface BitmapRows extends Tables {
  readonly positions: Uint32Array;
  readonly starts: Float64Array;
  readonly bases: Uint32Array;
  readonly sorted: Uint32Array;
}

/** Rows that are looked at in one stretch. */
const PACE = 256;

/**
 * One file. **Positions** are those of the index the file belongs to (its order of ids); **bits** are the order of the
 * pack. Rows are the commits that have a bitmap.
 */
export class BitmapFile {
  /** Bits of every bitmap. */
  readonly bits: number;
  /** Name hashes are of the positions from here on. */
  readonly #firstHash: number;
  readonly #view: DataView;
  readonly #entriesEnd: number;
  readonly #count: number;
  readonly #firstRow: number;
  #rows!: BitmapRows;
  readonly #types: readonly number[];
  readonly #hashes: number;

  private constructor(data: Buffer, format: ObjectFormat, of: BitmapScope) {
    this.bits = of.objects;
    this.#firstHash = of.below ?? 0;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const flags = this.#view.getUint16(6);
    const count = this.#view.getUint32(8);
    let end = data.length - format.bytes;
    if (flags & HASH_CACHE) end -= (this.bits - this.#firstHash) * 4;
    this.#hashes = flags & HASH_CACHE ? end : 0;
    if (flags & LOOKUP_TABLE) end -= count * LOOKUP_ROW;
    if (flags & PSEUDO_MERGES) end -= this.#pseudoMergesSize(end);
    this.#entriesEnd = end;
    const types: number[] = [];
    let at = 12 + format.bytes;
    for (let i = 0; i < 4; i++) {
      types.push(at);
      at = checkEwah(this.#view, at, end, wordsFor(this.bits));
    }
    this.#types = types;
    this.#count = count;
    this.#firstRow = at;
  }

  /**
   * @param checksum what the file must say that it belongs to
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`
   */
  static *read(
    file: Pick<IndexFile, 'data' | 'derive'>,
    format: ObjectFormat,
    of: BitmapScope,
    checksum: Uint8Array,
  ): Stretches<BitmapFile> {
    checkHeader(file.data, format, checksum);
    if (!(yield* hasSoundTrailer(file, format))) throw repositoryCorrupt('its trailing hash is wrong');
    const bitmaps = new BitmapFile(file.data, format, of);
    bitmaps.#rows = yield* file.derive('rows', () => bitmaps.#readRows());
    return bitmaps;
  }

  get rows(): number {
    return this.#rows.positions.length;
  }

  /** The position of a row's commit. */
  positionOf(row: number): number {
    return this.#rows.positions[row];
  }

  /** The row of the commit at a position, or -1. */
  rowOf(position: number): number {
    const { positions, sorted } = this.#rows;
    let low = 0;
    let high = sorted.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = positions[sorted[middle]];
      if (found === position) return sorted[middle];
      if (found < position) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** XORs the bitmap of a row into `words`, which have room for {@link bits}. */
  *xorRow(row: number, words: Uint32Array): Stretches<void> {
    for (let at = row; at !== NO_ROW; at = this.#rows.bases[at]) {
      yield;
      xorEwah(this.#view, this.#rows.starts[at], this.#entriesEnd, words);
    }
  }

  /** XORs in which objects are of a type: commit, tree, blob, tag have the types 1 to 4. */
  xorType(type: ObjectType, words: Uint32Array): void {
    xorEwah(this.#view, this.#types[type - 1], this.#entriesEnd, words);
  }

  /** git's hash of the path at which the object at a position was met; 0 where it is not known. */
  nameHash(position: number): number {
    if (this.#hashes === 0 || position < this.#firstHash) return 0;
    return this.#view.getUint32(this.#hashes + (position - this.#firstHash) * 4);
  }

  *#readRows(): Stretches<BitmapRows> {
    const count = this.#count;
    const from = this.#firstRow;
    if (count > (this.#entriesEnd - from) / ENTRY_HEAD) throw repositoryCorrupt('a bitmap is cut short');
    const positions = new Uint32Array(count);
    const starts = new Float64Array(count);
    const bases = new Uint32Array(count);
    let at = from;
    for (let row = 0; row < count; row++) {
      if (row % PACE === PACE - 1) yield;
      if (at + ENTRY_HEAD > this.#entriesEnd) throw repositoryCorrupt('a bitmap is cut short');
      positions[row] = this.#view.getUint32(at);
      const back = this.#view.getUint8(at + 4);
      if (positions[row] >= this.bits) throw repositoryCorrupt('a bitmap is of an object that is not there');
      if (back > row || back > FURTHEST_XOR)
        throw repositoryCorrupt('a bitmap is based on one that is not there');
      bases[row] = back === 0 ? NO_ROW : row - back;
      starts[row] = at + ENTRY_HEAD;
      at = checkEwah(this.#view, starts[row], this.#entriesEnd, wordsFor(this.bits));
    }
    const sorted = yield* sortByOffset(count, (row) => positions[row]);
    return { positions, starts, bases, sorted };
  }

  /** They are passed over: they make nothing right or wrong, only some walks faster. */
  #pseudoMergesSize(end: number): number {
    if (end < PSEUDO_MERGES_TAIL) throw repositoryCorrupt('a bitmap is cut short');
    const size = this.#view.getUint32(end - 8) * 2 ** 32 + this.#view.getUint32(end - 4);
    if (size < PSEUDO_MERGES_TAIL || size > end)
      throw repositoryCorrupt('its pseudo-merges are not well formed');
    return size;
  }
}

function checkHeader(data: Buffer, format: ObjectFormat, checksum: Uint8Array): void {
  const end = 12 + format.bytes;
  if (data.length < end + format.bytes || data.toString('latin1', 0, 4) !== MAGIC) {
    throw repositoryCorrupt('it is not a bitmap file');
  }
  const version = data.readUInt16BE(4);
  if (version !== VERSION) throw repositoryCorrupt(`version ${version} is not known`);
  if (!(data.readUInt16BE(6) & FULL_DAG)) throw repositoryCorrupt('its bitmaps are not complete');
  if (!data.subarray(12, end).equals(checksum)) throw repositoryCorrupt('it belongs to another pack');
}

/** A cleared array for one bitmap. */
export function bitmapWords(bits: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(wordsFor(bits));
}

/** A bitmap to be written: of the commit at a position. */
export interface BitmapRow {
  readonly position: number;
  /** Compressed; XORed with the row `back` rows before, where that is not 0. */
  readonly ewah: Buffer;
  readonly back: number;
}

/** @param types the compressed bitmaps of commits, trees, blobs and tags */
export function encodeBitmapFile(
  format: ObjectFormat,
  checksum: Uint8Array,
  types: readonly Buffer[],
  rows: readonly BitmapRow[],
): Buffer {
  const head = Buffer.alloc(12);
  head.write(MAGIC, 'latin1');
  head.writeUInt16BE(VERSION, 4);
  head.writeUInt16BE(FULL_DAG, 6);
  head.writeUInt32BE(rows.length, 8);
  const parts: Uint8Array[] = [head, checksum, ...types];
  for (const { position, ewah, back } of rows) {
    const entry = Buffer.alloc(ENTRY_HEAD);
    entry.writeUInt32BE(position, 0);
    entry.writeUInt8(back, 4);
    parts.push(entry, ewah);
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([body, crypto.createHash(format.name).update(body).digest()]);
}
