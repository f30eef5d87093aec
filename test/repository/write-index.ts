/** Pack indexes, read by git and written by hand. */
import crypto from 'node:crypto';
import type { ObjectFormat } from '../../src/repository/object-format.ts';
import { gitBytes } from '../support/git.ts';

export interface IndexEntry {
  readonly oid: string;
  readonly offset: number;
  readonly crc: number | undefined;
}

/** What `git show-index` says of an index, by offset. */
export function showIndex(index: Buffer, format: ObjectFormat): IndexEntry[] {
  const text = gitBytes('/', ['show-index', `--object-format=${format.name}`], { input: index }).toString();
  const entries = text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [, offset, oid, crc] = /^(\d+) ([0-9a-f]+)(?: +\(([0-9a-f]{8})\))?$/.exec(line)!;
      return { oid, offset: Number(offset), crc: crc === undefined ? undefined : Number.parseInt(crc, 16) };
    });
  return entries.sort((a, b) => a.offset - b.offset);
}

/** A version 2 index of entries that git would not pack: too far apart, or without their base. */
export function writeIndex(
  entries: readonly { oid: string; offset: number }[],
  packHash: Buffer = Buffer.alloc(20),
): Buffer {
  const rows = [...entries].sort((a, b) => (a.oid < b.oid ? -1 : 1));
  const word = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const fanout = Array.from({ length: 256 }, (_, byte) =>
    word(rows.filter(({ oid }) => Number.parseInt(oid.slice(0, 2), 16) <= byte).length),
  );
  const wide: Buffer[] = [];
  const offsets = rows.map(({ offset }) => {
    if (offset < 2 ** 31) return word(offset);
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(offset));
    return word(2 ** 31 + wide.push(bytes) - 1);
  });
  const body = Buffer.concat([
    Buffer.from('ff744f6300000002', 'hex'),
    ...fanout,
    ...rows.map(({ oid }) => Buffer.from(oid, 'hex')),
    ...rows.map(() => word(0)),
    ...offsets,
    ...wide,
    packHash,
  ]);
  return Buffer.concat([body, crypto.createHash('sha1').update(body).digest()]);
}
