/** Two workers serve many clones, and hold each index once. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History, packsOf } from '../support/history.ts';
import { packFile } from '../support/packs.ts';
import { metricBecomes } from '../support/request-log.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const names = ['one.git', 'two.git', 'three.git'];
for (const [seed, name] of names.entries()) {
  const history = new History();
  for (let i = 0; i < 100; i++) {
    history.commit({ branch: 'main', files: { [`${i % 7}`]: `${seed} ${i}\n` } });
  }
  history.importInto(createRepository(root, name));
  git(path.join(root, name), ['-c', 'repack.writeBitmaps=false', 'repack', '-adq']);
}

/** Bytes of one repository's index, with both tables of its order. */
function indexBytes(name: string): number {
  const repository = path.join(root, name);
  const index = fs.readFileSync(packFile(repository, packsOf(repository)[0], 'idx'));
  return 64 + index.length + 8 * index.readUInt32BE(8 + 255 * 4);
}

async function cloneAll(service: RunningService): Promise<void> {
  await Promise.all(
    [...names, ...names, ...names].map(async (name) => {
      expectSameRepository(path.join(root, name), await clone(service, name));
    }),
  );
}

async function loads(service: RunningService): Promise<number> {
  const text = await (await fetch(`${service.metricsUrl}/metrics`)).text();
  return Number(/^packhorse_index_loads_total\{kind="idx"\} (\d+)$/m.exec(text)![1]);
}

test('with room for all of them', async () => {
  const service = await startService(root, ['--workers', '2', '--own-bitmaps', 'off']);
  await cloneAll(service);
  const all = names.reduce((sum, name) => sum + indexBytes(name), 0);
  await metricBecomes(service, 'packhorse_index_memory_bytes', (bytes) => bytes === all);
  const read = await loads(service);
  expect(read).toBeGreaterThanOrEqual(3);
  expect(read).toBeLessThanOrEqual(6);
  await cloneAll(service);
  expect(await loads(service)).toBe(read);
  await metricBecomes(service, 'packhorse_index_memory_bytes', (bytes) => bytes === all);
});

test('with room for none', async () => {
  const service = await startService(root, ['--workers', '2', '--own-bitmaps', 'off', '--index-memory', '1']);
  await cloneAll(service);
  await cloneAll(service);
  const most = Math.max(...names.map(indexBytes));
  await metricBecomes(service, 'packhorse_index_memory_bytes', (bytes) => bytes > 0 && bytes <= most);
  expect(await loads(service)).toBeGreaterThanOrEqual(3);
});
