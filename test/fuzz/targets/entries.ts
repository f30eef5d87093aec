import crypto from 'node:crypto';
import zlib from 'node:zlib';
import { encodePackHeader, writeDistance, writeTypeAndSize } from '../../../src/pack/entry-header.ts';
import { OFS_DELTA, REF_DELTA, TYPE_NAMES } from '../../../src/repository/object-format.ts';
import { withTrailer } from '../checksums.ts';
import { readCorpus } from '../storage.ts';
import type { Target } from '../target.ts';
import { type IndexRow, readEverything } from '../written-pack.ts';

const MOST_ENTRIES = 64;

interface Described {
  readonly type: number;
  /** How much larger the size in the header is than the content. */
  readonly lie: number;
  /** Which entry is the base. */
  readonly base: number;
  readonly content: Buffer;
}

/**
 * Entries one after the other, inflated: type, what is added to the size, base, length (16 bits), content. The pack is made
 * of them with sound streams and checksums, so that what is wrong lies in headers, deltas and objects.
 */
export const entries: Target = {
  name: 'entries',
  reads: 'packs made of damaged entries',
  seeds: () => readCorpus('entries'),
  tokens: [
    '\x06\0',
    '\x07\0',
    '\x02\0',
    '40000 d\0',
    '100644 f\0',
    'tree ',
    'parent ',
    '\x80',
    '\xff',
    '\x7f',
  ],
  async run(input) {
    const described = parse(input);
    const { pack, rows } = write(described);
    const wanted = rows.filter((_, i) => described[i].type <= 4).map(({ oid }) => oid.toString('hex'));
    await readEverything(pack, rows, wanted);
  },
};

function parse(input: Buffer): Described[] {
  const found: Described[] = [];
  for (let at = 0; at + 5 <= input.length && found.length < MOST_ENTRIES; ) {
    const length = input.readUInt16BE(at + 3);
    const content = input.subarray(at + 5, at + 5 + length);
    found.push({ type: input[at] & 7, lie: input.readInt8(at + 1), base: input[at + 2], content });
    at += 5 + length;
  }
  return found;
}

function write(described: readonly Described[]): { pack: Buffer; rows: IndexRow[] } {
  const parts: Buffer[] = [encodePackHeader(described.length)];
  const rows: IndexRow[] = [];
  const ids = described.map(idOf);
  let offset = 12;
  for (const [i, { type, lie, base, content }] of described.entries()) {
    const head = Buffer.alloc(40);
    let length = writeTypeAndSize(head, 0, type, Math.max(0, content.length + lie * Math.abs(lie)));
    if (type === OFS_DELTA)
      length = writeDistance(head, length, offset - (rows[base % (i + 1)]?.offset ?? offset));
    if (type === REF_DELTA) length += ids[base % ids.length].copy(head, length);
    const entry = Buffer.concat([head.subarray(0, length), zlib.deflateSync(content, { level: 1 })]);
    rows.push({ oid: ids[i], offset, crc: undefined });
    parts.push(entry);
    offset += entry.length;
  }
  return { pack: withTrailer(Buffer.concat([...parts, Buffer.alloc(20)])), rows };
}

/** That of a whole object is its own; a delta gets one that is like no other. */
function idOf({ type, content }: Described, i: number): Buffer {
  const name = TYPE_NAMES[type];
  const text = name ? `${name} ${content.length}\0` : `delta ${i}`;
  return crypto.createHash('sha1').update(text).update(content).digest();
}
