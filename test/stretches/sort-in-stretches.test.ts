import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareStrings, sortInStretches } from '../../src/sort-in-stretches.ts';
import { inOneGo } from '../../src/stretches.ts';

const byKey = (a: { key: number }, b: { key: number }) => a.key - b.key;

test('what is equal keeps its order, whatever the number of items', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 3000, size: 'max' }), (keys) => {
      const items = keys.map((key, at) => ({ key, at }));
      expect(inOneGo(sortInStretches(items, byKey))).toEqual(items.toSorted(byKey));
    }),
    { numRuns: 30 },
  );
});

test('names are in the order of their bytes', () => {
  const names = ['refs/heads/b', 'refs/heads', 'refs/heads/\xff', 'refs/heads/a', '', 'refs/heads/b'];
  expect(inOneGo(sortInStretches(names, compareStrings))).toEqual(names.toSorted());
});

test('no stretch is long', () => {
  const count = 2 ** 17;
  let compared = 0;
  const work = sortInStretches(
    Array.from({ length: count }, (_, i) => (i * 7919) % count),
    (a, b) => {
      compared++;
      return a - b;
    },
  );
  let longest = 0;
  for (let before = 0; !work.next().done; before = compared) longest = Math.max(longest, compared - before);
  expect(longest).toBeLessThan(10_000);
});
