import { withTrailer } from '../checksums.ts';
import { readCorpus } from '../storage.ts';
import type { Target } from '../target.ts';
import { type IndexRow, readEverything } from '../written-pack.ts';

/** What is fetched, and whether the index has the CRC-32 of the damage: then that goes through. */
const HEAD_BYTES = 3;
/** Id, offset, CRC-32. */
const ROW_BYTES = 28;
const MOST_ROWS = 255;

/** How many objects there are, what is wanted of them, rows of an index, then the pack. */
export const pack: Target = {
  name: 'pack',
  reads: 'packs with their indexes: objects, and packs made of them',
  seeds: () => readCorpus('pack'),
  tokens: ['PACK', '\x9f\xff\xff\xff\x0f', 'x\x9c', '\xe0', '\xf0', '\x80\x01', '\x6f\x01'],
  repair(input) {
    const start = HEAD_BYTES + (input[0] ?? 0) * ROW_BYTES;
    return Buffer.concat([input.subarray(0, start), withTrailer(input.subarray(start))]);
  },
  async run(input) {
    const count = Math.min(MOST_ROWS, input[0] ?? 0);
    const start = HEAD_BYTES + count * ROW_BYTES;
    if (input.length < start + 32) return;
    const passesDamage = (input[1] & 1) === 1;
    const rows: IndexRow[] = [];
    for (let i = 0; i < count; i++) {
      const at = HEAD_BYTES + i * ROW_BYTES;
      rows.push({
        oid: input.subarray(at, at + 20),
        offset: input.readUInt32BE(at + 20),
        crc: passesDamage ? undefined : input.readUInt32BE(at + 24),
      });
    }
    const wanted = rows.filter((_, i) => i % (1 + input[2]) === 0);
    const bytes = Buffer.from(input.subarray(start));
    bytes.writeUInt32BE(count, 8);
    await readEverything(
      withTrailer(bytes),
      rows,
      wanted.map(({ oid }) => oid.toString('hex')),
    );
  },
};
