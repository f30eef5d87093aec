import { expect, test } from 'vitest';
import { MemoryGuard } from '../../../src/front/pressure/memory-guard.ts';

test('while memory is short that is told once, and garbage collected now and then', () => {
  const memory = { use: { used: 50, limit: 100 } };
  const told: (boolean | string)[] = [];
  const guard = new MemoryGuard({
    memory,
    onShort: (isShort) => told.push(isShort),
    collectGarbage: () => told.push('collect'),
  });
  const seconds = (from: number, to: number, used: number) => {
    memory.use = { used, limit: 100 };
    for (let now = from; now < to; now++) guard.look(now);
    return told.splice(0);
  };
  expect(seconds(0, 10, 50)).toEqual([]);
  expect(seconds(10, 15, 90)).toEqual([true, 'collect']);
  expect(seconds(15, 16, 120)).toEqual(['collect']);
  expect(seconds(16, 18, 84)).toEqual([false]);
  expect(seconds(18, 20, 90)).toEqual([true]);
  expect(seconds(20, 22, 90)).toEqual(['collect']);
});
