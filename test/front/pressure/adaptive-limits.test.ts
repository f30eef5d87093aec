import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AdaptiveLimits, CALM, COOL_DOWN } from '../../../src/front/pressure/adaptive-limits.ts';

const most = fc.integer({ min: 1, max: 5000 });
const lanes = fc.array(most, { minLength: 1, maxLength: 3 });
/** A second of each. */
const seconds = fc.array(fc.boolean(), { maxLength: 300 });

function full(mosts: readonly number[]) {
  const limits = mosts.map((each) => ({ limit: each, most: each }));
  return { limits, adaptive: new AdaptiveLimits(limits) };
}

test('limits stay between 1 and their most, whatever the signals say', () => {
  fc.assert(
    fc.property(lanes, seconds, (mosts, pressed) => {
      const { limits, adaptive } = full(mosts);
      pressed.forEach((press, now) => {
        if (press) adaptive.press(now);
        else adaptive.calm(now);
        for (const { limit, most } of limits) {
          expect(Number.isInteger(limit)).toBe(true);
          expect(limit).toBeGreaterThanOrEqual(1);
          expect(limit).toBeLessThanOrEqual(most);
        }
      });
    }),
  );
});

test('the first signal halves every limit at once', () => {
  fc.assert(
    fc.property(lanes, fc.nat(), (mosts, now) => {
      const { limits, adaptive } = full(mosts);
      adaptive.calm(now);
      expect(adaptive.press(now)).toBe(true);
      expect(limits.map(({ limit }) => limit)).toEqual(
        mosts.map((each) => Math.max(1, Math.floor(each / 2))),
      );
    }),
  );
});

test('limits fall once in a cool-down, to 1 if the signal goes on', () => {
  const { limits, adaptive } = full([64]);
  const seen = Array.from({ length: 8 * COOL_DOWN }, (_, now) => {
    adaptive.press(now);
    return limits[0].limit;
  });
  expect(seen.slice(0, COOL_DOWN)).toEqual(Array(COOL_DOWN).fill(32));
  expect(seen[COOL_DOWN]).toBe(16);
  expect(seen.at(-1)).toBe(1);
  expect(adaptive.least).toBe(true);
});

test('when it is calm they rise by 1 each interval, up to their most', () => {
  const { limits, adaptive } = full([2, 8]);
  adaptive.press(0);
  expect(adaptive.full).toBe(false);
  const seen = Array.from({ length: 6 }, (_, i) => {
    for (let second = 0; second < CALM; second++) adaptive.calm(i * CALM + second + 1);
    return limits.map(({ limit }) => limit);
  });
  expect(seen).toEqual([
    [2, 5],
    [2, 6],
    [2, 7],
    [2, 8],
    [2, 8],
    [2, 8],
  ]);
  expect(adaptive.full).toBe(true);
});

test('they do not rise while a signal comes and goes', () => {
  const { limits, adaptive } = full([64]);
  for (let now = 0; now < 20 * CALM; now++) {
    if (now % CALM === 0) adaptive.press(now);
    else adaptive.calm(now);
  }
  expect(limits[0].limit).toBe(1);
});

test('whatever was before, they are full again after so many calm intervals', () => {
  fc.assert(
    fc.property(lanes, seconds, (mosts, pressed) => {
      const { adaptive } = full(mosts);
      pressed.forEach((press, now) => {
        if (press) adaptive.press(now);
        else adaptive.calm(now);
      });
      for (let i = 0; i <= Math.max(...mosts); i++) adaptive.calm(pressed.length + i * CALM);
      expect(adaptive.full).toBe(true);
    }),
  );
});
