/** Packs that one service has made, and others need not make. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { startSlowLink } from '../load/slow-link.ts';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { ObjectStore, STORE_CREDENTIALS } from '../support/object-store.ts';
import { cloneRequest, post } from '../support/raw-client.ts';
import { hasPack, metric, metricBecomes } from '../support/request-log.ts';
import { parseFetchAnswer } from '../support/requests.ts';
import { startService } from '../support/service.ts';
import { NAME, Replicas, requests, resultsOf, uploaded, writes } from './fleet.ts';

let replicas: Replicas;
let store: ObjectStore;
beforeAll(async () => {
  replicas = new Replicas();
  store = await ObjectStore.start();
});

test('what one service has made, another one with a copy of the repository sends without making it', async () => {
  const first = await replicas.start(store.flags());
  expectSameRepository(replicas.source, await clone(first, NAME));
  await uploaded(first);
  expect(await metric(first, requests('miss'))).toBe(1);

  const second = await replicas.start(store.flags());
  expectSameRepository(replicas.source, await clone(second, NAME));
  expectSameRepository(replicas.source, await clone(second, NAME));
  expect(await resultsOf(second)).toEqual(['hit', 'hit']);
  expect(second.log.find(hasPack)!.statistics.phases.bytes).toBe(0);
  // The second time it lies here.
  expect(await metric(second, requests('hit'))).toBe(1);
  const [name] = store.names;
  expect(await metric(second, 'packhorse_shared_cache_read_bytes_total')).toBe(store.read(name).length);
  expect(await metric(first, 'packhorse_shared_cache_written_bytes_total')).toBe(store.read(name).length);
  expect(await metric(second, 'packhorse_cache_entries')).toBe(1);
});

test('an object is the file of the entry as it is', async () => {
  const other = await ObjectStore.start();
  const cache = temporaryDirectory();
  const service = await replicas.start(other.flags(), { PACKHORSE_CACHE_DIR: cache });
  await clone(service, NAME);
  await uploaded(service);
  const streams = path.join(cache, 'streams');
  const [file] = fs.readdirSync(streams);
  expect(file).toBe(`${other.names[0]}.stream`);
  expect(other.read(other.names[0]).equals(fs.readFileSync(path.join(streams, file)))).toBe(true);
});

test('what is in the store already is not put there again', async () => {
  const other = await ObjectStore.start();
  const first = await replicas.start(other.flags());
  await clone(first, NAME);
  await uploaded(first);
  other.before = (request) => (request.method === 'GET' ? new Promise(() => {}) : Promise.resolve());
  const second = await replicas.start([...other.flags(), '--shared-cache-first-byte', '50']);
  expectSameRepository(replicas.source, await clone(second, NAME));
  await metricBecomes(second, writes('present'), (present) => present === 1);
  expect(await metric(second, requests('timeout'))).toBe(1);
  expect(other.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(1);
});

test('those who ask for the same at once share one download', async () => {
  const request = cloneRequest(replicas.source);
  const filler = await replicas.start(store.flags());
  await post(filler, NAME, request);
  await uploaded(filler);
  const link = await startSlowLink(store.url, { holdAfter: 2 ** 20 });
  const service = await replicas.start([...store.flags(link.url), '--shared-cache-wait', '60000']);
  const before = store.requests.length;
  const first = post(service, NAME, request);
  await link.held;
  const others = Array.from({ length: 4 }, () => post(service, NAME, request));
  await metricBecomes(service, 'packhorse_fetches_in_progress', (n) => n === 5);
  link.release();
  for (const { body } of await Promise.all([first, ...others]))
    expect(parseFetchAnswer(body).complete).toBe(true);
  expect(await resultsOf(service)).toEqual(Array(5).fill('hit'));
  expect(store.requests.slice(before)).toHaveLength(1);
});

test('a repository that has gone on gets packs of its own', async () => {
  const root = replicas.root();
  const directory = path.join(root, NAME);
  const next = git(directory, ['commit-tree', '-m', 'next', '-p', 'main', 'main^{tree}']);
  git(directory, ['update-ref', 'refs/heads/main', next]);
  const service = await startService(root, store.flags(), STORE_CREDENTIALS);
  expectSameRepository(directory, await clone(service, NAME));
  expect(await resultsOf(service)).toEqual(['miss']);
});
