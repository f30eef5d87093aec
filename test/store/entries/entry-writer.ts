/** A thread, or a process, that keeps entries of a repository, pack after pack, and says after each which they were. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { find, form, keepAll, MIB, makeEntry, openStore } from './entries.ts';

export interface WriterSettings {
  readonly cache: string;
  readonly repository: string;
  /** The first seed; each pack has so many entries. */
  readonly seed: number;
  readonly entries: number;
  /** 0: without an end. */
  readonly packs: number;
}

const given: WriterSettings = isMainThread ? JSON.parse(process.argv[2]) : workerData;
const store = openStore(given.cache, { budget: 512 * MIB });
for (let n = 0; given.packs === 0 || n < given.packs; n++) {
  const pack = (await store.open(
    form(given.repository),
    (where, why) => {
      throw new Error(`${where}: ${why}`);
    },
    () => undefined,
  ))!;
  const seeds = Array.from({ length: given.entries }, (_, i) => given.seed + n * given.entries + i);
  const entries = seeds.map((seed) => makeEntry(2000, seed));
  const missing = entries.filter((entry) => {
    const kept = find(pack, entry);
    if (kept && !kept.equals(entry.entry)) throw new Error('another entry was found');
    return kept === undefined;
  });
  keepAll(pack, missing);
  pack.close();
  if (isMainThread) process.stdout.write(`${n + 1}\n`);
  else parentPort!.postMessage(n + 1);
}
