/** Several threads that keep entries of one repository at once, and a process that is killed while it does. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/directory.ts';
import { beginPack, find, makeEntry, openStore, segmentsIn } from './entries.ts';
import type { WriterSettings } from './entry-writer.ts';

const WRITER = path.join(import.meta.dirname, 'entry-writer.ts');

test('threads that keep entries at once, some of them the same', async () => {
  const settings = { cache: temporaryDirectory(), repository: temporaryDirectory(), entries: 50, packs: 10 };
  const workers = [0, 0, 250, 1000].map(
    (seed) => new Worker(WRITER, { workerData: { ...settings, seed } satisfies WriterSettings }),
  );
  const exits = await Promise.all(workers.map((worker) => once(worker, 'exit')));
  expect(exits).toEqual([[0], [0], [0], [0]]);
  expect(segmentsIn(settings.cache).length).toBeGreaterThan(2);
  const { pack } = await beginPack(openStore(settings.cache), settings.repository);
  const seeds = Array.from({ length: 1500 }, (_, seed) => seed).filter((seed) => seed < 750 || seed >= 1000);
  for (const seed of seeds) {
    const entry = makeEntry(2000, seed);
    expect(find(pack, entry)?.equals(entry.entry)).toBe(true);
  }
});

test('kill -9 at any moment: what was said to be kept is, and nothing wrong', async () => {
  const settings = { cache: temporaryDirectory(), repository: temporaryDirectory(), entries: 40, packs: 0 };
  for (let round = 0; round < 6; round++) {
    const seed = 100_000 * round;
    const child = spawn(process.execPath, [WRITER, JSON.stringify({ ...settings, seed })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(child, 'exit');
    let packs = 0;
    // It goes on with the next pack while this is read, so it is killed anywhere in it.
    for await (const line of readline.createInterface({ input: child.stdout })) {
      packs = Number(line);
      if (packs >= 3 + round) child.kill('SIGKILL');
    }
    expect(await exit).toEqual([null, 'SIGKILL']);
    const store = openStore(settings.cache);
    const { pack, faults } = await beginPack(store, settings.repository);
    for (let i = 0; i < (packs + 5) * settings.entries; i++) {
      const entry = makeEntry(2000, seed + i);
      const found = find(pack, entry);
      if (i < packs * settings.entries || found) expect(found?.equals(entry.entry)).toBe(true);
    }
    expect(faults).toEqual([]);
    pack.close();
    store.close();
  }
});
