import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PackOrder } from '../../src/pack/pack-order.ts';
import { NumberSet } from '../../src/repository/number-set.ts';
import { FIRST_LOOSE } from '../../src/repository/object-view.ts';

const END = 640;

/** Stretches of numbers: what they begin with and how many there are, often up to where words of 32 bits begin. */
const stretch = fc.record({
  first: fc.oneof(
    fc.nat(END - 1),
    fc.nat(END / 32 - 1).map((word) => word * 32),
  ),
  count: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constantFrom(31, 32, 33, 64, END)),
});

it('knows where each object is, and which one is there, as an array of them would', () => {
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 20 }), fc.uniqueArray(fc.nat(300)), (stretches, loose) => {
      const set = new NumberSet({ packedEnd: END });
      for (const { first, count } of stretches) {
        for (let number = first; number < Math.min(END, first + count); number++) set.add(number);
      }
      const packed = [...set.toArray()];
      const looseNumbers = loose.map((n) => FIRST_LOOSE + n);
      for (const number of looseNumbers) set.add(number);
      const model = [...packed, ...looseNumbers];

      const order = new PackOrder(set, Uint32Array.from(looseNumbers));
      expect(order.length).toBe(model.length);
      expect([...order]).toEqual(model);
      const backwards = model.map((_, i) => order.at(model.length - 1 - i));
      expect(backwards).toEqual(model.toReversed());
      const asked = [...Array(END + 32).keys(), ...Array.from({ length: 310 }, (_, n) => FIRST_LOOSE + n)];
      const indexes = new Map(model.map((number, index) => [number, index]));
      expect(asked.map((number) => order.indexOf(number))).toEqual(
        asked.map((number) => indexes.get(number) ?? -1),
      );
      expect(asked.filter((number) => order.has(number)).length).toBe(model.length);
      for (const [index, number] of packed.entries()) {
        let end = index;
        while (end < packed.length && packed[end] === number + end - index) end++;
        expect(order.stretchEnd(index)).toBe(end);
      }
    }),
  );
});

it('has loose objects by their numbers where no other order is asked for', () => {
  const set = new NumberSet({ packedEnd: 64 });
  for (const number of [FIRST_LOOSE + 40, 7, FIRST_LOOSE, FIRST_LOOSE + 3]) set.add(number);
  expect([...new PackOrder(set)]).toEqual([7, FIRST_LOOSE, FIRST_LOOSE + 3, FIRST_LOOSE + 40]);
});
