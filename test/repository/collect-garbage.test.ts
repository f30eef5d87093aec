/** Garbage collected on demand, by all threads at the same moment: V8's flags are those of the whole process. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

const THREADS = 4;
/** In each of them, every thread collects for the first time. */
const ROUNDS = 20;

test('threads that collect for the first time at the same moment do not get in each other’s way', async () => {
  const arrived = new Int32Array(new SharedArrayBuffer(4));
  const threads = Array.from(
    { length: THREADS },
    () =>
      new Worker(new URL('./collect-garbage-worker.ts', import.meta.url), {
        workerData: { arrived, threads: THREADS, rounds: ROUNDS },
      }),
  );
  const ends = threads.map((thread) => once(thread, 'message'));
  const failures = (await Promise.all(ends)).flat(2);
  expect(failures).toEqual([]);
});
