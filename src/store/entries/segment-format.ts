/**
 * The files of the entry store. A segment is `PHE1`, four bytes of nothing, and blocks:
 *
 *     'PHEB', bytes of the block (u32), number of records (u32), CRC-32 of these twelve bytes and of the table (u32);
 *     records; the table: for each record the first eight bytes of its id, and where in the block it starts (u32)
 *
 * A record is the CRC-32 of what follows in it (u32), the length of the entry (u32), the object's id, and the entry as it
 * stands in a pack. Numbers are big-endian; blocks, records and the table's end lie at multiples of eight. A block is
 * written by one call, so what a crash leaves of one ends a file, and its table is not there, or not whole.
 */
import zlib from 'node:zlib';
import { COMMIT, TAG } from '../../repository/object-format.ts';

export const SEGMENT_HEAD: Buffer = Buffer.from('PHE1\0\0\0\0', 'latin1');
export const BLOCK_HEAD = 16;
export const TABLE_ROW = 12;
/** What places are multiples of. */
export const ALIGNMENT = 8;
/** Bytes of the largest content that is kept: longer content is deflated as a stream. */
export const MOST_CONTENT: number = 4 * 1024 * 1024;

const BLOCK_MAGIC = 0x50484542;
/** In a record: CRC-32 and length. */
const RECORD_HEAD = 8;

export function align(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

/**
 * @param id bytes of an id
 * @param entry bytes of the entry
 */
export function recordBytes(id: number, entry: number): number {
  return align(RECORD_HEAD + id + entry);
}

/** Writes a record, whose entry is `head` and then `stream`; returns where the next one goes. */
export function writeRecord(
  into: Buffer,
  at: number,
  oid: Uint8Array,
  head: Uint8Array,
  stream: Uint8Array,
): number {
  const length = head.length + stream.length;
  const id = at + RECORD_HEAD;
  into.writeUInt32BE(length, at + 4);
  into.set(oid, id);
  into.set(head, id + oid.length);
  into.set(stream, id + oid.length + head.length);
  const end = id + oid.length + length;
  into.writeUInt32BE(zlib.crc32(into.subarray(at + 4, end)), at);
  const next = at + recordBytes(oid.length, length);
  into.fill(0, end, next);
  return next;
}

/** Bytes that say how long a record is. */
export const RECORD_START = RECORD_HEAD;

/** How long the record at `at` is, without what fills it up. */
export function lengthOfRecord(bytes: Buffer, at: number, id: number): number {
  return RECORD_HEAD + id + bytes.readUInt32BE(at + 4);
}

/** The entry of the record at `at`, `length` bytes long; undefined where it is damaged, or of another object. */
export function readRecord(bytes: Buffer, at: number, length: number, oid: Uint8Array): Buffer | undefined {
  const id = at + RECORD_HEAD;
  for (let i = 0; i < oid.length; i++) if (bytes[id + i] !== oid[i]) return undefined;
  if (zlib.crc32(bytes.subarray(at + 4, at + length)) !== bytes.readUInt32BE(at)) return undefined;
  const entry = bytes.subarray(id + oid.length, at + length);
  return isWholeObject(entry) ? entry : undefined;
}

/** Whether an entry's head says that it is an object of a size that is kept. */
function isWholeObject(entry: Buffer): boolean {
  let byte = entry[0];
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let next = 1, scale = 16; byte & 128; next++, scale *= 128) {
    if (next >= entry.length || size > MOST_CONTENT) return false;
    byte = entry[next];
    size += (byte & 127) * scale;
  }
  return type >= COMMIT && type <= TAG && size <= MOST_CONTENT;
}

export interface BlockHead {
  /** Bytes of the whole block. */
  readonly length: number;
  /** Bytes of the table's rows. */
  readonly table: number;
  readonly crc: number;
}

/** Writes the head of a block; `table` has its rows alone. */
export function writeBlockHead(into: Buffer, length: number, table: Buffer): void {
  into.writeUInt32BE(BLOCK_MAGIC, 0);
  into.writeUInt32BE(length, 4);
  into.writeUInt32BE(table.length / TABLE_ROW, 8);
  into.writeUInt32BE(zlib.crc32(table, zlib.crc32(into.subarray(0, 12))), 12);
}

/**
 * @param most bytes of the file from the block on
 * @returns undefined where there is no whole block
 */
export function readBlockHead(head: Buffer, most: number): BlockHead | undefined {
  if (head.readUInt32BE(0) !== BLOCK_MAGIC) return undefined;
  const length = head.readUInt32BE(4);
  const table = head.readUInt32BE(8) * TABLE_ROW;
  if (length % ALIGNMENT !== 0 || length > most || BLOCK_HEAD + align(table) > length) return undefined;
  return { length, table, crc: head.readUInt32BE(12) };
}

export function isTableOf(head: Buffer, { crc }: BlockHead, table: Buffer): boolean {
  return zlib.crc32(table, zlib.crc32(head.subarray(0, 12))) === crc;
}
