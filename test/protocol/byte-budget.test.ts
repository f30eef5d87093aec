import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteBudget, type ByteShare } from '../../src/protocol/byte-budget.ts';
import { LineBudget } from '../../src/protocol/line-budget.ts';

const LIMIT = 1000;
/** What one of a few holders does: takes bytes, or gives all back. */
const step = fc.tuple(fc.nat({ max: 7 }), fc.oneof(fc.nat({ max: 400 }), fc.constant('release' as const)));

test('whatever is taken, no one holds more than is free, so that there is always room for another', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const budget = new ByteBudget(LIMIT);
      const shares = new Map<number, ByteShare>();
      for (const [who, what] of steps) {
        const share = shares.get(who) ?? budget.open();
        shares.set(who, share);
        if (what === 'release') share.release();
        else share.take(what);
        expect(budget.held).toBe([...shares.values()].reduce((sum, { held }) => sum + held, 0));
        const free = LIMIT - budget.held;
        if (typeof what === 'number') expect(share.held === 0 || free > 0).toBe(true);
        const another = budget.open();
        expect(another.take(Math.floor(free / 2))).toBe(true);
        another.release();
      }
      for (const share of shares.values()) share.release();
      expect(budget.held).toBe(0);
    }),
  );
});

test('one request may keep so much, those of a thread together not as often', () => {
  const most = 96 * 2 ** 20;
  const greedy = new LineBudget();
  greedy.keep(most);
  expect(() => greedy.keep(1)).toThrow('the request is too long');
  const others = [greedy];
  const refused = () => {
    const other = new LineBudget();
    others.push(other);
    other.keep(most);
  };
  expect(() => {
    for (let i = 0; i < 10; i++) refused();
  }).toThrow(expect.objectContaining({ code: 'PACKHORSE_BUSY' }));
  const small = new LineBudget();
  small.keep(2 ** 20);
  small.release();
  for (const other of others) other.release();
  const next = new LineBudget();
  next.keep(most);
  next.release();
});
