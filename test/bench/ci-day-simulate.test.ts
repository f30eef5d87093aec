import { expect, test } from 'vitest';
import { CI_DAY } from '../../bench/ci-day/parameters.ts';
import { simulate } from '../../bench/ci-day/simulate.ts';
import { ciDay, type TraceEvent } from '../../bench/ci-day/trace.ts';

const MINUTE = 60_000;

test('the second of two at once is built into a file, which the third follows and the fourth is sent', () => {
  const at = (time: number): TraceEvent => ({ time, key: 'a', kind: 'shallow', bytes: 10, duration: 1000 });
  const { hit, follow, miss, written } = simulate([at(0), at(1), at(2), at(5000)], {
    budget: 100,
    minUses: 2,
  });
  expect(miss).toEqual({ requests: 2, bytes: 20 });
  expect(written).toEqual({ requests: 1, bytes: 10 });
  expect(follow.requests).toBe(1);
  expect(hit.requests).toBe(1);
});

test('a clone waits for the retry of its pipeline, a fetch does not', () => {
  const ask = (kind: TraceEvent['kind']) =>
    [0, 1, 30].map(
      (minute): TraceEvent => ({ time: minute * MINUTE, key: kind, kind, bytes: 1, duration: 1 }),
    );
  expect(simulate(ask('clone'), { budget: 100, minUses: 2 }).hit.requests).toBe(1);
  expect(simulate(ask('fetch'), { budget: 100, minUses: 2 }).hit.requests).toBe(0);
});

test('of a day of CI, 85 % of the bytes are not built within a tenth of them as budget', () => {
  const { served, ratio } = answer('ci-day', { minUses: 2 });
  expect(served).toBeGreaterThan(100e9);
  expect(ratio).toBeGreaterThanOrEqual(0.85);
});

test('no amount of room and time would give a hundredth more, and second sight spares a third of what is written', () => {
  const forever = Number.POSITIVE_INFINITY;
  for (const seed of ['1', '2', '6', '8']) {
    const ours = answer(seed, { minUses: 2 });
    const retention = { clone: forever, fetch: forever, shallow: forever };
    const boundless = answer(seed, { minUses: 2, budget: forever, retention });
    expect(boundless.ratio - ours.ratio).toBeLessThan(0.01);
    expect(ours.written / answer(seed, { minUses: 1 }).written).toBeLessThan(0.7);
  }
});

function answer(seed: string, rules: Omit<Parameters<typeof simulate>[1], 'budget'> & { budget?: number }) {
  const day = ciDay(CI_DAY, seed);
  const served = day.reduce((sum, { bytes }) => sum + bytes, 0);
  const { hit, follow, written } = simulate(day, { budget: served / 10, ...rules });
  return { served, ratio: (hit.bytes + follow.bytes) / served, written: written.bytes };
}
