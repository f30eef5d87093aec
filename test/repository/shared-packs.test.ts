/** Packs whose indexes threads share, as requests of each see them. */
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createSharedIndexes } from '../../src/channel/shared-indexes.ts';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { OBJECT_FORMATS } from '../../src/repository/object-format.ts';
import type { ObjectView } from '../../src/repository/object-view.ts';
import { Repository } from '../../src/repository/repository.ts';
import { DEFAULT_BUDGETS, RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { packsOf } from '../support/history.ts';
import { openFile } from '../support/in-one-go.ts';
import { damage, overwrite, packFile } from '../support/packs.ts';
import { initBare, makeHistory } from './history.ts';

/** A repository of one pack, with a `.rev` file. */
function makeRepository(seed: number): string {
  const directory = temporaryDirectory();
  initBare(directory);
  makeHistory(directory, { commits: 30, files: 3, seed });
  git(directory, ['-c', 'pack.writeReverseIndex=true', 'repack', '-adq']);
  return directory;
}

function makeCaches(count: number, budget: number) {
  const sharing = createSharedIndexes(budget);
  const caches = Array.from(
    { length: count },
    () => new RepositoryCaches({ ...DEFAULT_BUDGETS, indexes: budget }, { sharing }),
  );
  const load = (kind: 'idx' | 'rev') => Number(sharing.loads[kind][0]);
  return { sharing, caches, load };
}

/** One request: what it finds of the repository's objects, and what it has to say. */
function request<T>(directory: string, caches: RepositoryCaches, look: (view: ObjectView) => T): T {
  const repository = Repository.open(directory, caches);
  try {
    return look(repository.objects.view);
  } finally {
    repository.close();
  }
}

function idsOf(directory: string): string[] {
  const format = ['--batch-all-objects', '--batch-check=%(objectname)'];
  return git(directory, ['cat-file', ...format]).split('\n');
}

const findsAll = (ids: readonly string[]) => (view: ObjectView) => ids.every((id) => view.findHex(id) >= 0);

/** Bytes that the index of a repository's only pack takes, with both tables of its order. */
function indexBytes(directory: string): number {
  const index = fs.readFileSync(packFile(directory, packsOf(directory)[0], 'idx'));
  return 64 + index.length + 8 * index.readUInt32BE(8 + 255 * 4);
}

test('an index and its order are read once for all', () => {
  const directory = makeRepository(1);
  const ids = idsOf(directory);
  const { sharing, caches, load } = makeCaches(3, 2 ** 20);
  for (const one of [...caches, ...caches]) expect(request(directory, one, findsAll(ids))).toBe(true);
  expect([load('idx'), load('rev')]).toEqual([1, 1]);
  expect(Number(sharing.held[0])).toBe(indexBytes(directory));
  for (const one of caches) one.close();
});

test('an open pack takes over the copy that was agreed on', () => {
  const directory = makeRepository(1);
  const ids = idsOf(directory);
  const { sharing, caches } = makeCaches(1, 2 ** 20);
  const file = packFile(directory, packsOf(directory)[0], 'idx');
  // Another thread that read the file first, and says so late.
  const other = new IndexFiles(2 ** 20, { ...sharing, channel: 'elsewhere' });
  const first = openFile(other, file)!;
  expect(request(directory, caches[0], findsAll(ids))).toBe(true);
  const channel = new BroadcastChannel(sharing.channel);
  channel.postMessage({ type: 'held', parts: first.parts });
  first.data[8 + 1024] ^= 0xff;
  expect(request(directory, caches[0], findsAll(ids))).toBe(false);
  first.data[8 + 1024] ^= 0xff;
  expect(request(directory, caches[0], findsAll(ids))).toBe(true);
  channel.close();
  other.close();
  caches[0].close();
});

test('a directory whose index another thread dropped is closed when no one uses it', async () => {
  const [one, two] = [makeRepository(1), makeRepository(2)];
  const { caches } = makeCaches(2, 1);
  const objects = path.join(one, 'objects');
  request(one, caches[0], () => {});
  const kept = caches[0].objectDirectory(objects, OBJECT_FORMATS.sha1);
  const repository = Repository.open(one, caches[0]);
  const { view } = repository.objects;
  request(two, caches[1], () => {});
  // Nothing but the event loop tells the first.
  while (!kept.holdsDropped) await setImmediate();
  await setImmediate();
  const ids = idsOf(one);
  expect(findsAll(ids)(view)).toBe(true);
  expect(caches[0].objectDirectory(objects, OBJECT_FORMATS.sha1)).toBe(kept);
  repository.close();
  expect(caches[0].objectDirectory(objects, OBJECT_FORMATS.sha1)).not.toBe(kept);
  expect(request(one, caches[0], findsAll(ids))).toBe(true);
  // And once more, with no request that ends after the index was dropped.
  const again = caches[0].objectDirectory(objects, OBJECT_FORMATS.sha1);
  request(two, caches[1], () => {});
  while (caches[0].objectDirectory(objects, OBJECT_FORMATS.sha1) === again) await setImmediate();
  for (const each of caches) each.close();
});

test('the index of a pack that a repack removed is dropped', () => {
  const directory = makeRepository(1);
  const { caches } = makeCaches(2, 2 ** 20);
  for (const one of caches) request(directory, one, () => {});
  makeHistory(directory, { commits: 3, files: 1, seed: 5, branch: 'other' });
  git(directory, ['repack', '-adq']);
  const ids = idsOf(directory);
  for (const one of [...caches, ...caches]) {
    expect(request(directory, one, findsAll(ids))).toBe(true);
    expect(one.indexFiles.memory).toBe(indexBytes(directory));
  }
  for (const one of caches) one.close();
});

test('an index that was mended is used, though its pack is the same', () => {
  const directory = makeRepository(1);
  const ids = idsOf(directory);
  const file = packFile(directory, packsOf(directory)[0], 'idx');
  const sound = fs.readFileSync(file);
  overwrite(file, 4, Buffer.from([0, 0, 0, 9]));
  const caches = new RepositoryCaches();
  expect(request(directory, caches, (view) => view.problems)).toHaveLength(1);
  fs.writeFileSync(`${file}.new`, sound);
  fs.renameSync(`${file}.new`, file);
  expect(request(directory, caches, (view) => view.problems)).toEqual([]);
  expect(request(directory, caches, findsAll(ids))).toBe(true);
  caches.close();
});

test('a damaged .rev file is ignored by all, who know why, though it is read once', () => {
  const directory = makeRepository(1);
  const ids = idsOf(directory);
  const [pack] = packsOf(directory);
  damage(packFile(directory, pack, 'rev'), 20);
  const { caches, load } = makeCaches(2, 2 ** 20);
  for (const one of caches) {
    expect(request(directory, one, findsAll(ids))).toBe(true);
    expect(request(directory, one, (view) => [view.problems, view.indexProblems])).toEqual([
      [],
      [`${packFile(directory, pack, 'rev')}: its checksum is wrong`],
    ]);
  }
  expect(load('rev')).toBe(1);
  for (const one of caches) one.close();
});
