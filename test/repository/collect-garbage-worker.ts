/** A thread of collect-garbage.test.ts: posts what went wrong. */
import { parentPort, workerData } from 'node:worker_threads';

const { arrived, threads, rounds } = workerData as { arrived: Int32Array; threads: number; rounds: number };
const failures: string[] = [];
for (let round = 1; round <= rounds; round++) {
  // Another instance of the module, which has not collected yet.
  const { collectGarbage } = await import(`../../src/repository/collect-garbage.ts?${round}`);
  Atomics.add(arrived, 0, 1);
  while (Atomics.load(arrived, 0) < round * threads);
  try {
    collectGarbage();
  } catch (error) {
    failures.push(String(error));
  }
}
parentPort!.postMessage(failures);
