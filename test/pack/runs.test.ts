/** Entries copied as they lie: packs made by hand, of which any part is asked for. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { blobId, type HandmadeEntry, storeHandmadePack } from '../support/handmade-pack.ts';
import { createRepository, noise } from '../support/history.ts';
import { addPack, damage, entriesOf, packFile, removePacks } from '../support/packs.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

/** A blob: content of its own of `size` bytes, behind that of its base. */
interface Blob_ {
  readonly size: number;
  /** Which of the blobs before is its base, counted back; 0 for none. */
  readonly base: number;
  readonly byId: boolean;
  /** Where it lies among the others. */
  readonly place: number;
  readonly wanted: boolean;
}

/** Where a distance takes a byte more: 128 and 16,512; where an entry is no longer looked at as a whole; a chunk. */
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 4, arbitrary: fc.integer({ min: 90, max: 130 }) },
  { weight: 3, arbitrary: fc.integer({ min: 16_350, max: 16_520 }) },
  { weight: 1, arbitrary: fc.constantFrom(65_500, 65_536, 70_000, 270_000) },
);
const blob: fc.Arbitrary<Blob_> = fc.record({
  size,
  base: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 })),
  byId: fc.boolean(),
  place: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(9) }),
  wanted: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

interface Made {
  readonly entries: HandmadeEntry[];
  readonly ids: string[];
  readonly wanted: string[];
}

function make(blobs: readonly Blob_[], seed: number): Made {
  const content: Buffer[] = [];
  const bases: (number | undefined)[] = [];
  for (const [i, { size, base }] of blobs.entries()) {
    const own = noise(size + 4, seed * 1000 + i);
    const of = base > 0 && base <= i ? i - base : undefined;
    // Contents that grow along a chain stay small: a base gives its first hundred bytes.
    bases.push(of);
    content.push(of === undefined ? own : Buffer.concat([content[of].subarray(0, 100), own]));
  }
  const ids = content.map(blobId);
  const order = blobs.map((_, i) => i).sort((a, b) => a + blobs[a].place - b - blobs[b].place || a - b);
  const entries = order.map((i, k): HandmadeEntry => {
    const of = bases[i];
    if (of === undefined) return { type: 'blob', data: content[i] };
    const length = Math.min(100, content[of].length);
    const steps = [{ copy: [0, length] as const }, { insert: content[i].subarray(length) }];
    const before = order.indexOf(of);
    const byId = blobs[i].byId || before > k;
    return { base: byId ? ids[of] : before, baseSize: content[of].length, steps };
  });
  return { entries, ids, wanted: ids.filter((_, i) => blobs[i].wanted) };
}

const repository = createRepository(temporaryDirectory(), 'source.git');
const client = createRepository(temporaryDirectory(), 'client.git');

/** Stores packs, in the place of those that were there. */
function store(...packs: readonly (readonly HandmadeEntry[])[]): string[] {
  const directory = path.join(repository, 'objects/pack');
  for (const file of fs.readdirSync(directory)) fs.rmSync(path.join(directory, file));
  return packs.map((entries) => storeHandmadePack(repository, entries));
}

function requestFor(wanted: readonly string[], flags: readonly string[]): Buffer {
  return encodeRequest('fetch', [...wanted.map((oid) => `want ${oid}`), ...flags, 'no-progress', 'done']);
}

const OFS_DELTA = 6;

/** The ids of the objects in a pack, each of which git has made and hashed, and the types of its entries. */
function indexed(pack: Buffer): { ids: string[]; types: Set<number> } {
  const name = `pack-${git(client, ['index-pack', '--strict', '--stdin'], { input: pack }).split('\t').at(-1)}`;
  const entries = entriesOf(client, name);
  removePacks(client, [name]);
  return {
    ids: entries.map(({ oid }) => oid).sort(),
    types: new Set(entries.map(({ offset }) => (pack[offset] >> 4) & 7)),
  };
}

async function expectSent(wanted: readonly string[], flags: readonly string[]): Promise<void> {
  const server = new UploadPackV2(repository);
  const request = requestFor(wanted, flags);
  const { pack, error } = parseFetchAnswer(await server.feed(request));
  expect(error).toBe('');
  const { ids, types } = indexed(pack);
  expect(ids).toEqual([...wanted].sort());
  if (!flags.includes('ofs-delta')) expect(types).not.toContain(OFS_DELTA);
  // Now that every entry is known to be good, they are copied without a look.
  expect(parseFetchAnswer(await server.feed(request)).pack.equals(pack)).toBe(true);
  server.close();
}

let seed = 0;

describe('entries copied as they lie', () => {
  it('make a right pack, whatever is left out between them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(blob, { minLength: 2, maxLength: 40 }), fc.boolean(), async (blobs, ofs) => {
        const { entries, wanted } = make(blobs, ++seed);
        fc.pre(wanted.length > 0);
        store(entries);
        await expectSent(wanted, ofs ? ['ofs-delta'] : []);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  it('make a right pack of many packs that share objects', async () => {
    const parts = fc.array(fc.array(blob, { minLength: 2, maxLength: 15 }), { minLength: 2, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(parts, fc.array(fc.nat(), { maxLength: 8 }), async (packs, again) => {
        const made = packs.map((blobs) => make(blobs, ++seed));
        const whole = made[0].entries.filter((entry) => 'data' in entry);
        const shared = new Set(again.map((n) => whole[n % whole.length]).filter(Boolean));
        store(...made.map(({ entries }) => entries), ...(shared.size > 0 ? [[...shared]] : []));
        const wanted = made.flatMap((each) => each.wanted);
        fc.pre(wanted.length > 0);
        await expectSent(wanted, ['ofs-delta']);
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });

  it.each([32, 64, 96, 128, 1023, 1024, 1025, 2048, 2049])(
    'make a whole pack of %i entries',
    async (count) => {
      const blobs = Array.from({ length: count }, (_, i) => ({
        size: 20 + (i % 7),
        base: i % 3,
        byId: false,
        place: 0,
        wanted: true,
      }));
      const { entries, wanted } = make(blobs, ++seed);
      store(entries);
      await expectSent(wanted, ['ofs-delta']);
      await expectSent(wanted.slice(1), ['ofs-delta']);
      await expectSent(wanted.slice(0, -1), ['ofs-delta']);
    },
  );

  it('whose base is a delta that was given another distance in the same run', async () => {
    const plain = { base: 0, byId: false, place: 0, wanted: true };
    const { entries, wanted } = make(
      [
        { ...plain, size: 60 },
        { ...plain, size: 60, wanted: false },
        { ...plain, size: 10 },
        { ...plain, base: 3, size: 20 },
        { ...plain, size: 10 },
        { ...plain, base: 2, size: 20 },
        { ...plain, base: 1, size: 20 },
        { ...plain, base: 4, size: 20 },
      ],
      ++seed,
    );
    store(entries);
    await expectSent(wanted, ['ofs-delta']);
  });

  it.each([127, 128, 16_511, 16_512])('whose distance from their base is %i, or less', async (far) => {
    const plain = { base: 0, byId: false, place: 0, wanted: true };
    for (const shift of [-1, 0, 1]) {
      // The first takes 22 bytes in the pack, the second 17 more than its size, or 18.
      const between = far + shift - 22 - (far < 1000 ? 17 : 18);
      const blobs = (wanted: boolean): Blob_[] => [
        { ...plain, size: 6 },
        { ...plain, size: between, wanted },
        { ...plain, base: 2, size: 30 },
        { ...plain, base: 1, size: 30 },
        { ...plain, base: 4, size: 30 },
      ];
      for (const isSent of [true, false]) {
        const { entries, wanted } = make(blobs(isSent), ++seed);
        const [pack] = store(entries);
        const offsets = entriesOf(repository, pack).map(({ offset }) => offset);
        expect(offsets.sort((a, b) => a - b)[2] - 12).toBe(far + shift);
        await expectSent(wanted, ['ofs-delta']);
      }
    }
  });
});

describe('a damaged entry between good ones', () => {
  const blobs = Array.from({ length: 200 }, (_, i) => ({
    size: 400,
    base: i % 4,
    byId: false,
    place: 0,
    wanted: true,
  }));

  it.each([0, 1, 57, 100, 199])('fails the fetch where there is no other copy: %i', async (at) => {
    const { entries, wanted } = make(blobs, ++seed);
    const [pack] = store(entries);
    const entry = entriesOf(repository, pack)[at];
    damage(packFile(repository, pack), entry.offset + 40);
    const server = new UploadPackV2(repository);
    for (const flags of [['ofs-delta'], []]) {
      const answer = parseFetchAnswer(await server.feed(requestFor(wanted, flags)));
      expect(answer.error).toMatch(/^unable to read [0-9a-f]{40}/);
      expect(answer.complete).toBe(false);
      expect(() => indexed(answer.pack)).toThrow();
    }
    server.close();
  });

  it.each([0, 1, 57, 100, 199])('is taken from another pack where there is one: %i', async (at) => {
    const { entries, wanted } = make(blobs, ++seed);
    const [pack] = store(entries);
    const entry = entriesOf(repository, pack)[at];
    addPack(repository, [entry.oid]);
    damage(packFile(repository, pack), entry.offset + 40);
    await expectSent(wanted, ['ofs-delta']);
  });
});
