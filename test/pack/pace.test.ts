/** The pace of tasks that share a thread. */
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Pace } from '../../src/pack/pace.ts';

const CANCELLED = { code: 'PACKHORSE_CANCELLED' };

test('a cancelled task ends in its pause, and does not wait for its turn', async () => {
  const pace = new Pace();
  const order: string[] = [];
  const others = [setImmediate().then(() => order.push('others'))];
  const paused = pace.pause().catch((error) => order.push(error.code));
  pace.cancel();
  await paused;
  expect(order).toEqual(['PACKHORSE_CANCELLED']);
  await Promise.all(others);
});

test('a cancelled task ends in its rest', async () => {
  const pace = new Pace(() => 1_000_000);
  const rest = pace.pause();
  pace.cancel();
  await expect(rest).rejects.toMatchObject(CANCELLED);
  await expect(pace.pause()).rejects.toMatchObject(CANCELLED);
});

test('whoever waits for something else is told, and may be told late', async () => {
  const pace = new Pace();
  let told = 0;
  pace.onCancel(() => told++);
  pace.cancel();
  expect(told).toBe(1);
  await expect(pace.pause()).rejects.toMatchObject(CANCELLED);
});

test('tasks of one thread take turns', async () => {
  const order: number[] = [];
  const tasks = [1, 2, 3].map(async (task) => {
    const pace = new Pace();
    for (let turn = 0; turn < 3; turn++) {
      await pace.pause();
      order.push(task);
    }
  });
  await Promise.all(tasks);
  expect(order).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
});
