/** All that trees reach, in packs that git itself would not write: as a plain walk finds it, or an error. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import {
  applySteps,
  type DeltaStep,
  type HandmadeEntry,
  storeHandmadePack,
} from '../support/handmade-pack.ts';
import { createRepository, packsOf } from '../support/history.ts';
import { damage, entriesOf, overwrite, packFile } from '../support/packs.ts';
import { open, plainWalk, walk } from './tree-walks.ts';

const root = temporaryDirectory();

function oidOf(type: string, data: Buffer): string {
  return createHash('sha1').update(`${type} ${data.length}\0`).update(data).digest('hex');
}

const blobs = Array.from({ length: 6 }, (_, i) => Buffer.from(`blob ${i}`));
const blobIds = blobs.map((data) => oidOf('blob', data));

function entry(mode: string, name: string, oid: string): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]);
}

const whole = (type: 'tree' | 'blob', data: Buffer): HandmadeEntry => ({ type, data });
const delta = (base: Buffer, steps: readonly DeltaStep[]): HandmadeEntry => ({
  base: oidOf('tree', base),
  baseSize: base.length,
  steps,
});

let made = 0;
function store(...packs: HandmadeEntry[][]): string {
  const directory = createRepository(root, `made-${made++}.git`);
  for (const entries of packs) storeHandmadePack(directory, entries);
  return directory;
}

const ALL_BLOBS = blobs.map((data) => whole('blob', data));
const treeA = Buffer.concat([0, 1, 2].map((i) => entry('100644', `f${i}`, blobIds[i])));
const LENGTH = treeA.length / 3;
/** The second entry gets another id. */
const changed: DeltaStep[] = [
  { copy: [0, LENGTH + 10] },
  { insert: Buffer.from(blobIds[3], 'hex') },
  { copy: [2 * LENGTH, LENGTH] },
];
const treeB = applySteps(treeA, changed);
/** Another tree, of the same size. */
const treeX = Buffer.concat([4, 5, 4].map((blob, i) => entry('100644', `f${i}`, blobIds[blob])));
const idA = oidOf('tree', treeA);
const idB = oidOf('tree', treeB);
const idX = oidOf('tree', treeX);

async function expectSame(directory: string, roots: readonly string[]): Promise<string[]> {
  const found = await walk(open(directory), roots);
  expect(found).toEqual(plainWalk(open(directory), roots));
  return found;
}

describe('bases', () => {
  test('that nothing reaches: neither they nor what only they hold is found', async () => {
    const directory = store([...ALL_BLOBS, whole('tree', treeA), delta(treeA, changed)]);
    expect(await expectSame(directory, [idB])).toEqual([idB, blobIds[0], blobIds[2], blobIds[3]].sort());
  });

  test('of another level, below and above, and behind their deltas in the pack', async () => {
    const above = Buffer.concat([treeB, entry('40000', 'x', idA)]);
    const steps: DeltaStep[] = [{ copy: [0, treeB.length] }, { insert: above.subarray(treeB.length) }];
    const directory = store([...ALL_BLOBS, delta(treeB, steps), delta(treeA, changed), whole('tree', treeA)]);
    await expectSame(directory, [oidOf('tree', above), idB]);
    await expectSame(directory, [oidOf('tree', above)]);
    const over = Buffer.concat([treeA, entry('40000', 'y', idB)]);
    const other = store([...ALL_BLOBS, whole('tree', over), whole('tree', treeA), delta(treeA, changed)]);
    await expectSame(other, [oidOf('tree', over)]);
  });

  test('that are named as if they were blobs: then nothing below them is found, but for what a delta holds', async () => {
    const odd = Buffer.concat([entry('100644', 'a', idA)]);
    const holder = entry('40000', 'b', idB);
    const directory = store([
      ...ALL_BLOBS,
      whole('tree', odd),
      whole('tree', holder),
      whole('tree', treeA),
      delta(treeA, changed),
    ]);
    await expectSame(directory, [oidOf('tree', odd), oidOf('tree', holder)]);
  });

  test('with modes that other writers use', async () => {
    const steps: DeltaStep[] = [
      { insert: entry('040000', 'a', idA) },
      { insert: entry('0160000', 'b', 'ab'.repeat(20)) },
      { copy: [0, treeA.length] },
      { copy: [0, LENGTH] },
    ];
    const directory = store([...ALL_BLOBS, whole('tree', treeA), delta(treeA, steps)]);
    await expectSame(directory, [oidOf('tree', applySteps(treeA, steps)), idA]);
  });
});

describe('damage', () => {
  const corrupt = { code: 'PACKHORSE_REPOSITORY_CORRUPT' };

  /** Damages an object in the first pack that a walk looks into. */
  function damageObject(directory: string, oid: string): void {
    const packs = packsOf(directory).map((pack) =>
      entriesOf(directory, pack).map((entry) => ({ pack, ...entry })),
    );
    const [largest] = packs.sort((a, b) => b.length - a.length);
    const { pack, offset, length } = largest.find((entry) => entry.oid === oid)!;
    damage(packFile(directory, pack), offset + length - 2);
  }

  test.each([
    ['a damaged delta', [idA, idB], idB, treeB],
    ['a damaged base', [idA, idB], idA, treeA],
    ['a damaged base that nothing reaches', [idB], idA, treeA],
    ['a damaged base beside a tree of its size', [idX, idB], idA, treeA],
  ])('%s is read from its other copy', async (_what, roots, oid, copy) => {
    const entries = [...ALL_BLOBS, whole('tree', treeX), whole('tree', treeA), delta(treeA, changed)];
    const single = store(entries);
    const undamaged = await walk(open(single), roots);
    damageObject(single, oid);
    await expect(walk(open(single), roots)).rejects.toMatchObject(corrupt);
    const twice = store(entries, [whole('tree', copy)]);
    damageObject(twice, oid);
    expect(await walk(open(twice), roots)).toEqual(undamaged);
  });

  test('what a delta names and is not there', async () => {
    const entries = ALL_BLOBS.filter((_, i) => i !== 3);
    const directory = store([...entries, whole('tree', treeA), delta(treeA, changed)]);
    await expect(walk(open(directory), [idA, idB])).rejects.toMatchObject({
      code: 'PACKHORSE_OBJECT_MISSING',
      message: expect.stringContaining(blobIds[3]),
    });
  });

  test('what is no tree, or no tree in itself', async () => {
    const blobAsTree = entry('40000', 'd', blobIds[0]);
    const directory = store([
      ...ALL_BLOBS,
      whole('tree', blobAsTree),
      whole('tree', treeA),
      whole('tree', Buffer.from('nonsense')),
    ]);
    await expect(walk(open(directory), [oidOf('tree', blobAsTree)])).rejects.toMatchObject({
      ...corrupt,
      message: expect.stringContaining(`${blobIds[0]} is not a tree`),
    });
    const nonsense = oidOf('tree', Buffer.from('nonsense'));
    await expect(walk(open(directory), [nonsense])).rejects.toMatchObject({
      ...corrupt,
      message: expect.stringContaining('not well formed'),
    });
  });

  test('a delta that gives no tree, of a base that is one', async () => {
    const steps: DeltaStep[] = [{ copy: [0, LENGTH] }, { copy: [LENGTH, 20] }];
    const directory = store([...ALL_BLOBS, whole('tree', treeA), delta(treeA, steps)]);
    const oid = oidOf('tree', applySteps(treeA, steps));
    await expect(walk(open(directory), [idA, oid])).rejects.toMatchObject({
      ...corrupt,
      message: expect.stringContaining('not well formed'),
    });
  });
});

test('deltas in a ring', async () => {
  const again: DeltaStep[] = [{ copy: [0, treeB.length] }, { copy: [0, LENGTH] }];
  const treeC = applySteps(treeB, again);
  const directory = store([...ALL_BLOBS, whole('tree', treeA), delta(treeA, changed), delta(treeB, again)]);
  const [pack] = packsOf(directory);
  const { offset } = entriesOf(directory, pack).find(({ oid }) => oid === idB)!;
  const idC = oidOf('tree', treeC);
  await expectSame(directory, [idA, idC]);
  const file = packFile(directory, pack);
  const bytes = fs.readFileSync(file);
  overwrite(file, bytes.indexOf(Buffer.from(idA, 'hex'), offset), Buffer.from(idC, 'hex'));
  await expectSame(directory, [idA]);
  await expect(walk(open(directory), [idA, idC])).rejects.toMatchObject({
    code: 'PACKHORSE_REPOSITORY_CORRUPT',
    message: expect.stringContaining('form a ring'),
  });
});

describe('depth', () => {
  /** Trees in trees; the last is the outermost. */
  function nested(depth: number): { entries: HandmadeEntry[]; outermost: string } {
    const entries = [whole('tree', treeA)];
    let inner = idA;
    for (let i = 0; i < depth; i++) {
      const tree = entry('40000', 'd', inner);
      entries.push(whole('tree', tree));
      inner = oidOf('tree', tree);
    }
    return { entries, outermost: inner };
  }

  test('as deep as git goes, and no deeper', async () => {
    const { entries, outermost } = nested(2048);
    const outer = entry('40000', 'd', outermost);
    const directory = store([...ALL_BLOBS, ...entries, whole('tree', outer)]);
    expect(await walk(open(directory), [outermost])).toHaveLength(2049 + 3);
    await expect(walk(open(directory), [oidOf('tree', outer)])).rejects.toMatchObject({
      code: 'PACKHORSE_REPOSITORY_CORRUPT',
      message: expect.stringContaining('exceeded maximum allowed tree depth'),
    });
  });
});
