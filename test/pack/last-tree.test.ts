/** What a version of a directory has that the version before it had not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LastTree } from '../../src/pack/last-tree.ts';

const ID_BYTES = 20;

/** Few names and ids, so that versions have much in common; long runs of both, too. */
const versions = fc.array(
  fc.dictionary(fc.constantFrom(...names(60)), fc.integer({ min: 0, max: 3 }), { maxKeys: 60 }),
  { minLength: 1, maxLength: 6 },
);

test('names each entry that the last version had not, and no other', () => {
  fc.assert(
    fc.property(versions, (all) => {
      const tree = new LastTree(ID_BYTES);
      let last = new Set<string>();
      for (const version of all) {
        const entries = Object.entries(version)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, id]) => entry(name, id));
        const data = Buffer.concat(entries);
        const fresh: string[] = [];
        tree.follow(data, (at, end) => fresh.push(data.toString('latin1', at, end)));
        const known = last;
        last = new Set(entries.map((bytes) => bytes.toString('latin1')));
        expect(fresh).toEqual([...last].filter((bytes) => !known.has(bytes)));
      }
    }),
  );
});

test('keeps the last version where bytes are no tree', () => {
  const tree = new LastTree(ID_BYTES);
  const [a, b] = [entry('a', 1), entry('b', 2)];
  tree.follow(a, () => {});
  expect(() => tree.follow(Buffer.concat([b, Buffer.from('100644 c')]), () => {})).toThrow(
    expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_CORRUPT' }),
  );
  const fresh: number[] = [];
  tree.follow(Buffer.concat([a, b]), (at, end) => fresh.push(at, end));
  expect(fresh).toEqual([a.length, a.length + b.length]);
});

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `file-${String(i).padStart(2, '0')}${'x'.repeat(i % 7)}`);
}

function entry(name: string, id: number): Buffer {
  // Ids that differ in their last byte only are the hardest to tell apart.
  return Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.alloc(ID_BYTES - 1, 7), Buffer.from([id])]);
}
