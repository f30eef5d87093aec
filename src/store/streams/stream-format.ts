/**
 * The file of a stream:
 *
 *     'PHS1', length of the head (u32), head (JSON), CRC-32 of all that (u32)
 *     the stream, in blocks of 256 KiB; the last may be shorter
 *     the CRC-32 of each block (u32)
 *     tail (JSON)
 *     CRC-32 of the head again (u32), length of the stream (u64), CRC-32 of those of the blocks (u32),
 *     length of the tail (u32), CRC-32 of the tail and of these (u32), 'PHSE'
 *
 * Numbers are big-endian. All lengths must add up to that of the file, so that none that is cut short is ever whole; and
 * there is no byte that no checksum covers.
 */
import zlib from 'node:zlib';
import { PackhorseError } from '../../errors.ts';
import type { StreamHead, StreamTail } from './stream.ts';

/** Bytes of a block: whole frames of the longest kind, so that a reader of one can send it as it is. */
export const BLOCK = 262_080;
/** Bytes of a head around its JSON. */
export const HEAD_FRAME = 12;
export const END_BYTES = 28;
const MAGIC = 'PHS1';
const END_MAGIC = 'PHSE';
/** Far more than a path and a key need. */
const MOST_HEAD = 65_536;

/** A file that is not what was written. */
export class DamagedStream extends PackhorseError {
  constructor(why: string) {
    super('PACKHORSE_IO', `a kept stream is damaged: ${why}`, {
      client: 'a file of the server is damaged; try again',
    });
  }
}

/** What the end of a file says of it; lengths in bytes. */
export interface StreamEnd {
  readonly headChecksum: number;
  readonly streamLength: number;
  readonly tableChecksum: number;
  readonly tailLength: number;
  readonly checksum: number;
}

export function encodeHead(head: StreamHead): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const bytes = Buffer.alloc(HEAD_FRAME + json.length);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32BE(json.length, 4);
  json.copy(bytes, 8);
  bytes.writeUInt32BE(zlib.crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

/** @param start the first bytes of a file, 8 at least */
export function headLength(start: Buffer): number {
  const length = start.readUInt32BE(4);
  if (start.toString('latin1', 0, 4) !== MAGIC || length > MOST_HEAD)
    throw new DamagedStream('it has no head');
  return HEAD_FRAME + length;
}

/** @param bytes as many as {@link headLength} says */
export function decodeHead(bytes: Buffer): StreamHead {
  if (zlib.crc32(bytes.subarray(0, -4)) !== headChecksum(bytes))
    throw new DamagedStream('its head is altered');
  return JSON.parse(bytes.toString('utf8', 8, bytes.length - 4)) as StreamHead;
}

export function headChecksum(bytes: Buffer): number {
  return bytes.readUInt32BE(bytes.length - 4);
}

/** What stands behind the blocks. */
export function encodeEnd(
  head: Buffer,
  streamLength: number,
  checksums: readonly number[],
  tail: StreamTail,
): Buffer {
  const table = Buffer.alloc(4 * checksums.length);
  checksums.forEach((checksum, i) => {
    table.writeUInt32BE(checksum, 4 * i);
  });
  const json = Buffer.from(JSON.stringify(tail));
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32BE(headChecksum(head), 0);
  end.writeBigUInt64BE(BigInt(streamLength), 4);
  end.writeUInt32BE(zlib.crc32(table), 12);
  end.writeUInt32BE(json.length, 16);
  end.writeUInt32BE(zlib.crc32(end.subarray(0, 20), zlib.crc32(json)), 20);
  end.write(END_MAGIC, 24, 'latin1');
  return Buffer.concat([table, json, end]);
}

/** @param bytes the last {@link END_BYTES} of a file */
export function decodeEnd(bytes: Buffer): StreamEnd {
  if (bytes.toString('latin1', 24) !== END_MAGIC) throw new DamagedStream('it has no end');
  return {
    headChecksum: bytes.readUInt32BE(0),
    streamLength: Number(bytes.readBigUInt64BE(4)),
    tableChecksum: bytes.readUInt32BE(12),
    tailLength: bytes.readUInt32BE(16),
    checksum: bytes.readUInt32BE(20),
  };
}

/** @param bytes the tail, and the end behind it */
export function decodeTail(bytes: Buffer, { checksum }: StreamEnd): StreamTail {
  const [json, end] = [bytes.subarray(0, -END_BYTES), bytes.subarray(-END_BYTES)];
  if (zlib.crc32(end.subarray(0, 20), zlib.crc32(json)) !== checksum) {
    throw new DamagedStream('its end is altered');
  }
  return JSON.parse(json.toString()) as StreamTail;
}

/** @param index of the block, in a table that its own checksum was found right for */
export function checkBlock(block: Uint8Array, index: number, expected: number): void {
  if (zlib.crc32(block) !== expected) throw new DamagedStream(`block ${index} is altered`);
}

export function blocksOf(streamLength: number): number {
  return Math.ceil(streamLength / BLOCK);
}
