/** Whatever became of the files: what is found is what was kept, and what is whole is found. */
import fs from 'node:fs';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/directory.ts';
import { beginPack, find, keepAll, type MadeEntry, makeEntry, openStore, segmentsIn } from './entries.ts';

const repository = temporaryDirectory();
/** Of three packs, so that there are three blocks. */
const PACKS = [0, 1, 2].map((k) => Array.from({ length: 20 }, (_, i) => makeEntry(64 + 37 * i, 100 * k + i)));
const cache = temporaryDirectory();
let file: string;
let whole: Buffer;
/** Where the block of each pack ends. */
const ends: number[] = [];

beforeAll(async () => {
  const store = openStore(cache);
  for (const entries of PACKS) {
    const { pack } = await beginPack(store, repository);
    keepAll(pack, entries);
    pack.close();
    [file] = segmentsIn(cache);
    ends.push(fs.statSync(file).size);
  }
  store.close();
  whole = fs.readFileSync(file);
});

/** What a thread finds that begins with the file as it is: all that it finds must be right. */
async function findAll(entries: Iterable<MadeEntry>): Promise<boolean[]> {
  const store = openStore(cache);
  const { pack, faults } = await beginPack(store, repository);
  const found = Array.from(entries, (entry) => {
    const kept = find(pack, entry);
    if (kept) expect(kept.equals(entry.entry)).toBe(true);
    return kept !== undefined;
  });
  expect(faults).toEqual([]);
  pack.close();
  store.close();
  return found;
}

test('a file that was cut short anywhere', async () => {
  const lengths = fc.integer({ min: 0, max: whole.length });
  await fc.assert(
    fc.asyncProperty(lengths, async (length) => {
      fs.writeFileSync(file, whole.subarray(0, length));
      for (const [k, entries] of PACKS.entries()) {
        const found = await findAll(entries);
        expect(found.every((each) => each === length >= ends[k])).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test('a file that grows while it is read: each block is found when it is whole', async () => {
  const lengths = fc.array(fc.integer({ min: 0, max: whole.length }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(lengths, async (unsorted) => {
      fs.writeFileSync(file, '');
      const store = openStore(cache);
      for (const length of [...unsorted].sort((a, b) => a - b)) {
        fs.appendFileSync(file, whole.subarray(fs.statSync(file).size, length));
        const { pack } = await beginPack(store, repository);
        for (const [k, entries] of PACKS.entries()) {
          for (const entry of entries) {
            const found = find(pack, entry);
            if (length < ends[k]) expect(found).toBeUndefined();
            else expect(found!.equals(entry.entry)).toBe(true);
          }
        }
        pack.close();
      }
      store.close();
    }),
    { numRuns: 100 },
  );
});

test('bytes that were changed anywhere', async () => {
  const change = fc.tuple(fc.integer({ min: 0, max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 20 }), async (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, mask] of changes) bytes[at] ^= mask;
      fs.writeFileSync(file, bytes);
      await findAll(PACKS.flat());
    }),
    { numRuns: 300 },
  );
});

test('one changed byte of a record: that record is made again, and found again', async () => {
  const { entry, oid } = PACKS[1][7];
  const bytes = Buffer.from(whole);
  bytes[bytes.indexOf(entry) + 20] ^= 1;
  fs.writeFileSync(file, bytes);
  const found = await findAll(PACKS.flat());
  expect(found.map((each, i) => (each ? -1 : i)).filter((i) => i >= 0)).toEqual([27]);
  const store = openStore(cache);
  const { pack } = await beginPack(store, repository);
  expect(pack.find(oid)).toBeUndefined();
  keepAll(pack, [PACKS[1][7]]);
  pack.close();
  store.close();
  expect((await findAll(PACKS.flat())).every((each) => each)).toBe(true);
  fs.rmSync(segmentsIn(cache).at(-1)!);
});

test('zeros in the place of what was written last, as a crash of the machine leaves them', async () => {
  fs.writeFileSync(file, Buffer.concat([whole.subarray(0, ends[1]), Buffer.alloc(ends[2] - ends[1])]));
  expect((await findAll(PACKS.slice(0, 2).flat())).every((each) => each)).toBe(true);
  expect((await findAll(PACKS[2])).some((each) => each)).toBe(false);
});

test('a block whose table is not there yet is found when it is', async () => {
  const cut = Buffer.from(whole).fill(0, whole.length - 200);
  fs.writeFileSync(file, cut);
  const store = openStore(cache);
  const found = async () => {
    const { pack } = await beginPack(store, repository);
    const all = PACKS[2].filter((entry) => find(pack, entry)?.equals(entry.entry));
    pack.close();
    return all.length;
  };
  expect(await found()).toBe(0);
  fs.writeFileSync(file, whole);
  expect(await found()).toBe(PACKS[2].length);
  store.close();
});

test('an id that begins as one that is kept', async () => {
  fs.writeFileSync(file, whole);
  const store = openStore(cache);
  const { pack } = await beginPack(store, repository);
  for (let at = 8; at < 20; at++) {
    const oid = Buffer.from(PACKS[0][0].oid);
    oid[at] ^= 1;
    expect(pack.find(oid)).toBeUndefined();
  }
  pack.close();
  store.close();
});

test('a file that is cut short under a thread that has read it', async () => {
  fs.writeFileSync(file, whole);
  const store = openStore(cache);
  const { pack, faults } = await beginPack(store, repository);
  fs.truncateSync(file, 100);
  for (const entry of PACKS.flat()) expect(find(pack, entry)).toBeUndefined();
  expect(faults).toEqual([]);
  pack.close();
  store.close();
});
