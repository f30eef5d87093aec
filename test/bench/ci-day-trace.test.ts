import { expect, test } from 'vitest';
import { CI_DAY } from '../../bench/ci-day/parameters.ts';
import { ciDay } from '../../bench/ci-day/trace.ts';

const SEEDS = ['1', '2', '3', '4', '5'];

test('the same seed gives the same day, another seed another one', () => {
  expect(ciDay(CI_DAY, 'a')).toEqual(ciDay(CI_DAY, 'a'));
  expect(ciDay(CI_DAY, 'a')).not.toEqual(ciDay(CI_DAY, 'b'));
});

test('three quarters of distinct responses are read once, and they are a third to a half of distinct bytes', () => {
  const days = SEEDS.map((seed) => distinctOf(seed));
  const responses = days.flat();
  const once = responses.filter(({ reads }) => reads === 1);
  expect(once.length / responses.length).toBeCloseTo(0.75, 1);
  const share = total(once) / total(responses);
  expect(share).toBeGreaterThan(1 / 3);
  expect(share).toBeLessThan(0.6);
});

test('a key always stands for the same bytes, and requests come by time, within the day', () => {
  for (const seed of SEEDS) {
    const day = ciDay(CI_DAY, seed);
    const bytes = new Map(day.map((event) => [event.key, event.bytes]));
    expect(day.filter((event) => event.bytes !== bytes.get(event.key) || event.bytes <= 0)).toEqual([]);
    const times = day.map(({ time }) => time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(0);
    expect(times[times.length - 1]).toBeLessThan(86_400_000);
  }
});

test('jobs of a pipeline ask at the same moment', () => {
  const day = ciDay(CI_DAY, '1').filter(({ kind }) => kind === 'shallow');
  const last = new Map<string, number>();
  const together = day.filter(({ key, time }) => {
    const gap = time - (last.get(key) ?? Number.NEGATIVE_INFINITY);
    last.set(key, time);
    return gap < 50;
  });
  expect(together.length / day.length).toBeGreaterThan(0.2);
});

function distinctOf(seed: string): { reads: number; bytes: number }[] {
  const reads = new Map<string, { reads: number; bytes: number }>();
  for (const { key, bytes } of ciDay(CI_DAY, seed)) {
    reads.set(key, { reads: (reads.get(key)?.reads ?? 0) + 1, bytes });
  }
  return [...reads.values()];
}

function total(responses: readonly { bytes: number }[]): number {
  return responses.reduce((sum, { bytes }) => sum + bytes, 0);
}
