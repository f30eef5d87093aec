import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sortByOffset } from '../../src/repository/offset-order.ts';
import { inOneGo } from '../../src/stretches.ts';

function expectSorted(offsets: readonly number[]): void {
  const positions = offsets.map((_, position) => position);
  const expected = positions.sort((a, b) => offsets[a] - offsets[b] || a - b);
  const sorted = inOneGo(sortByOffset(offsets.length, (position) => offsets[position]));
  expect([...sorted]).toEqual(expected);
}

/** Offsets of every size, and close to the borders between digits of the sort. */
const offset = fc.oneof(
  fc.nat(20),
  fc.nat(2 ** 31 - 1),
  fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 40),
  fc
    .constantFrom(2 ** 16, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 48, 2 ** 53 - 1)
    .chain((border) => fc.integer({ min: -2, max: 0 }).map((n) => border + n)),
);

test('equals a comparison sort, and keeps the order of equal offsets', () => {
  fc.assert(fc.property(fc.array(offset, { maxLength: 300 }), (offsets) => expectSorted(offsets)));
});

test('nothing, one, and all the same', () => {
  expectSorted([]);
  expectSorted([0]);
  expectSorted([7, 7, 7]);
});

test('many', () => {
  expectSorted(Array.from({ length: 100_000 }, (_, i) => 12 + ((i * 7919) % 100_003) * 2 ** 22));
});
