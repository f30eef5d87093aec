/** Objects are found under one number, whatever says where they are. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectView } from '../../src/repository/object-view.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture } from '../support/fixtures.ts';
import { git, reachableObjects } from '../support/git.ts';
import { packsOf } from '../support/history.ts';
import { addPack, packFile, removePacks } from '../support/packs.ts';
import { initBare, makeHistory } from './history.ts';

const caches = new RepositoryCaches();
afterAll(() => caches.close());

/** What a request would see. */
function withView<T>(repository: string, use: (view: ObjectView) => T): T {
  const opened = Repository.open(repository, caches);
  try {
    return use(opened.objects.view);
  } finally {
    opened.close();
  }
}

/** Ids of all objects that are stored, reachable or not. */
function seenByGit(repository: string): string[] {
  return git(repository, [
    'cat-file',
    '--batch-all-objects',
    '--unordered',
    '--batch-check=%(objectname)',
  ]).split('\n');
}

/** Every object has one number, which leads back to it, and all its copies are told. */
function expectWhole(view: ObjectView, oids: readonly string[]): void {
  for (const oid of oids) {
    const number = view.findHex(oid);
    expect(view.hex(number)).toBe(oid);
    const copies = [number, ...view.copies(number)];
    expect(new Set(copies).size).toBe(copies.length);
    expect(copies.map((copy) => view.hex(copy))).toEqual(copies.map(() => oid));
    if (!view.isLoose(number)) {
      const { pack, rank } = view.packedAt(number);
      expect(view.numberOf(pack, rank)).toBe(number);
      expect(view.findPackedCopy(number)).toBe(number);
      const packed = copies.filter((copy) => !view.isLoose(copy)).map((copy) => view.packedAt(copy).pack);
      const holding = [...view.packs()]
        .map((each) => each.pack)
        .filter(({ index }) => index.find(view.oid(number)) >= 0);
      expect(packed).toHaveLength(new Set(holding).size);
      expect(new Set(packed)).toEqual(new Set(holding));
    }
    const unknown = Buffer.from(oid, 'hex');
    unknown[19] ^= 0xff;
    expect(view.find(unknown)).toBe(-1);
  }
}

/** Bits and positions of each index lead to the numbers under which the view finds the objects. */
function expectIndexes(view: ObjectView, count: number): void {
  expect(view.multiPackIndexes).toHaveLength(count);
  for (const viewed of view.multiPackIndexes) {
    const { index } = viewed;
    const numbers = inOneGo(viewed.numbersOfBits());
    for (let position = 0; position < index.count; position++) {
      expect(viewed.numberAt(position)).toBe(view.find(index.oid(position)));
      if (numbers) expect(numbers[position]).toBe(view.find(index.oid(index.positionOfBit(position))));
    }
  }
}

/** A repository with all its objects loose. */
function makeLoose(commits: number, seed = 1): string {
  const repository = temporaryDirectory();
  initBare(repository);
  makeHistory(repository, { commits, files: 3, seed });
  return repository;
}

function copyOf(repository: string): string {
  const copy = temporaryDirectory();
  fs.cpSync(repository, copy, { recursive: true });
  return copy;
}

function writeIndex(repository: string, packs: readonly string[], flags: readonly string[] = []): void {
  const input = packs.map((pack) => `${pack}.idx\n`).join('');
  git(repository, ['multi-pack-index', 'write', '--stdin-packs', ...flags], { input });
}

function borrow(repository: string, from: string): void {
  fs.mkdirSync(path.join(repository, 'objects/info'), { recursive: true });
  fs.appendFileSync(path.join(repository, 'objects/info/alternates'), `${path.join(from, 'objects')}\n`);
}

describe('a view of packs that share objects', () => {
  /** Which objects each pack has, and whether the index has the pack. */
  const layout = fc.array(
    fc.record({ objects: fc.array(fc.nat(), { minLength: 1, maxLength: 25 }), indexed: fc.boolean() }),
    { minLength: 1, maxLength: 5 },
  );
  let template: string;
  let oids: string[];
  beforeAll(() => {
    template = makeLoose(15);
    oids = seenByGit(template);
  });

  function arrange(shape: typeof layout extends fc.Arbitrary<infer T> ? T : never, pruned: boolean): string {
    const repository = copyOf(template);
    const packs = shape.map(({ objects }) =>
      addPack(repository, [...new Set(objects.map((n) => oids[n % oids.length]))]),
    );
    const indexed = packs.filter((_, i) => shape[i].indexed);
    if (indexed.length > 0) writeIndex(repository, indexed);
    if (pruned) git(repository, ['prune-packed']);
    return repository;
  }

  test('finds each object once, with an index of some packs in one directory', () => {
    fc.assert(
      fc.property(layout, fc.boolean(), (shape, pruned) => {
        const repository = arrange(shape, pruned);
        withView(repository, (view) => {
          expect(view.indexProblems).toEqual([]);
          expectWhole(view, oids);
          expectIndexes(view, shape.some(({ indexed }) => indexed) ? 1 : 0);
        });
      }),
      { numRuns: 12 },
    );
  });

  test('finds each object once, with an index of each of two directories', () => {
    fc.assert(
      fc.property(layout, layout, (own, borrowed) => {
        const repository = arrange(own, true);
        const other = arrange(borrowed, true);
        borrow(repository, other);
        withView(repository, (view) => {
          expectWhole(view, oids);
          expectIndexes(view, [own, borrowed].filter((shape) => shape.some(({ indexed }) => indexed)).length);
        });
      }),
      { numRuns: 6 },
    );
  });
});

describe('multi-pack-indexes of several directories', () => {
  test('have bits that lead to the numbers under which objects are found', () => {
    const root = temporaryDirectory();
    const first = copyFixture(root, 'midx-btmp');
    const second = copyFixture(root, 'midx-chain-compacted');
    const repository = makeLoose(10);
    git(repository, ['-c', 'repack.writeBitmaps=false', 'repack', '-adq']);
    git(repository, ['multi-pack-index', 'write', '--bitmap']);
    for (const other of [first, second]) borrow(repository, other);
    withView(repository, (view) => {
      expectIndexes(view, 3);
      expectWhole(view, [...seenByGit(repository)]);
      expect(view.multiPackIndexes.map(({ directory }) => directory)).toEqual(
        [repository, first, second].map((each) => path.join(each, 'objects')),
      );
      const [, one, two] = view.multiPackIndexes.map((each) => [...inOneGo(each.numbersOfBits())!]);
      expect(one).toEqual(one.toSorted((a, b) => a - b));
      // The same objects, found where they were found first.
      expect(two.toSorted((a, b) => a - b)).toEqual(one);
    });
  });
});

describe('a multi-pack-index', () => {
  /** Two packs, one with copies of half of the other, and an index that prefers the copies. */
  function makeIndexed(): { repository: string; oids: string[]; copies: string } {
    const repository = makeLoose(20);
    git(repository, ['-c', 'repack.writeBitmaps=false', 'repack', '-adq']);
    const oids = reachableObjects(repository);
    const copies = addPack(repository, oids.slice(0, oids.length / 2));
    git(repository, ['multi-pack-index', 'write', `--preferred-pack=${copies}.pack`]);
    return { repository, oids, copies };
  }

  test('decides which copy of an object is found, unless core.multiPackIndex is off', () => {
    const { repository, oids, copies } = makeIndexed();
    const packs = () =>
      withView(repository, (view) => {
        expectWhole(view, oids);
        return oids.map((oid) => view.packedAt(view.findHex(oid)).pack.name === copies);
      });
    expect(packs()).toEqual(oids.map((_, i) => i < Math.floor(oids.length / 2)));
    git(repository, ['config', 'core.multiPackIndex', 'false']);
    // The larger pack is searched first.
    expect(packs()).toEqual(oids.map(() => false));
    withView(repository, (view) => expect(view.multiPackIndexes).toEqual([]));
  });

  test('that was replaced, beside new packs, changes no number of a view that is open', () => {
    const { repository, oids, copies } = makeIndexed();
    withView(repository, (view) => {
      const before = oids.map((oid) => view.findHex(oid));
      const more = makeLoose(10, 2);
      const added = reachableObjects(more);
      git(more, ['-c', 'repack.writeBitmaps=false', 'repack', '-adq']);
      for (const pack of packsOf(more)) {
        for (const extension of ['pack', 'idx']) {
          fs.copyFileSync(packFile(more, pack, extension), packFile(repository, pack, extension));
        }
      }
      addPack(repository, oids, ['--window=0']);
      git(repository, ['multi-pack-index', 'write', `--preferred-pack=${packsOf(more)[0]}.pack`]);
      removePacks(repository, [copies]);
      expect(view.findNow(added[0])).toBeGreaterThanOrEqual(0);
      expect(oids.map((oid) => view.findHex(oid))).toEqual(before);
      expectWhole(view, [...oids, ...added]);
      expectIndexes(view, 1);
    });
    withView(repository, (view) => expectWhole(view, oids));
  });

  test('of a pack that is gone is not used, as long as it is', () => {
    const { repository, oids, copies } = makeIndexed();
    removePacks(repository, [copies]);
    const expectUnused = () =>
      withView(repository, (view) => {
        const reason = expect.stringMatching(/multi-pack-index: it names pack-.*, which is not there$/);
        expect(view.indexProblems).toEqual([reason]);
        expect(view.problems).toEqual([]);
        expect(view.multiPackIndexes).toEqual([]);
        expectWhole(view, oids);
      });
    expectUnused();
    expectUnused();
    // git itself would not find what it looks for in a pack that is gone.
    git(repository, [
      '-c',
      'core.multiPackIndex=false',
      '-c',
      'repack.writeBitmaps=false',
      'repack',
      '-adfq',
    ]);
    expectUnused();
    fs.rmSync(path.join(repository, 'objects/pack/multi-pack-index'));
    git(repository, ['multi-pack-index', 'write']);
    withView(repository, (view) => {
      expect(view.indexProblems).toEqual([]);
      expectWhole(view, oids);
      expectIndexes(view, 1);
    });
  });

  test('is read again when it has changed', () => {
    const { repository, oids } = makeIndexed();
    withView(repository, (view) => expectIndexes(view, 1));
    const [other] = packsOf(repository);
    writeIndex(repository, [other]);
    withView(repository, (view) => {
      expect(view.multiPackIndexes[0].index.packNames).toEqual([other]);
      expectWhole(view, oids);
    });
  });
});
