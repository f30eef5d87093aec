import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NumberQueue } from '../../src/pack/number-queue.ts';

it('holds what was added, and gives it back in order, as many at a time as are asked for', () => {
  const step = fc.oneof(
    fc.array(fc.oneof(fc.nat(200), fc.nat(5000))).map((add) => ({ add })),
    fc.integer({ min: 1, max: 70 }).map((take) => ({ take })),
  );
  fc.assert(
    fc.property(fc.nat(300), fc.array(step), (end, steps) => {
      const set = new NumberQueue(end);
      const model = new Set<number>();
      for (const one of steps) {
        if ('add' in one) {
          for (const number of one.add) {
            set.add(number);
            model.add(number);
          }
        } else {
          const least = [...model].sort((a, b) => a - b).slice(0, one.take);
          expect([...set.take(one.take)]).toEqual(least);
          for (const number of least) model.delete(number);
        }
        expect(set.size).toBe(model.size);
        expect(set.least).toBe(Math.min(...model));
        for (const number of [0, 31, 32, 63, 199, 4999, 2 ** 31])
          expect(set.has(number)).toBe(model.has(number));
        for (const number of model) expect(set.has(number)).toBe(true);
      }
    }),
  );
});
