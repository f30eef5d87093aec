/** A service that is killed while packs are on their way. */
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { startSlowLink } from '../load/slow-link.ts';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { ObjectStore } from '../support/object-store.ts';
import { metricBecomes } from '../support/request-log.ts';
import type { RunningService } from '../support/service.ts';
import { NAME, Replicas, resultsOf, uploaded } from './fleet.ts';

let replicas: Replicas;
beforeAll(() => {
  replicas = new Replicas();
});

async function kill(service: RunningService): Promise<void> {
  const ended = once(service.process, 'exit');
  service.process.kill('SIGKILL');
  await ended;
}

/** A store, and a promise for the moment at which it has begun to take a pack, of which it takes no more. */
async function storeThatHolds(): Promise<{ store: ObjectStore; held: Promise<void> }> {
  const store = await ObjectStore.start();
  const held = new Promise<void>((resolve) => {
    store.before = async (request) => {
      if (request.method !== 'PUT') return;
      await once(request, 'readable');
      resolve();
      await new Promise(() => {});
    };
  });
  return { store, held };
}

test('killed while it puts a pack into the store: the others make it', async () => {
  const { store, held } = await storeThatHolds();
  const first = await replicas.start(store.flags());
  await clone(first, NAME);
  await held;
  await kill(first);
  store.before = async () => {};
  const second = await replicas.start(store.flags());
  expectSameRepository(replicas.source, await clone(second, NAME));
  expect(await resultsOf(second)).toEqual(['miss']);
  await uploaded(second);
});

test('asked to stop while it puts a pack into the store, it does not wait for that', async () => {
  const { store, held } = await storeThatHolds();
  const service = await replicas.start(store.flags());
  await clone(service, NAME);
  await held;
  expect(await service.stop()).toBe(0);
});

test('killed while it gets a pack from the store: after a restart nothing of it is left, and it is there as a whole', async () => {
  const store = await ObjectStore.start();
  const filler = await replicas.start(store.flags());
  await clone(filler, NAME);
  await uploaded(filler);
  const environment = { PACKHORSE_CACHE_DIR: temporaryDirectory() };
  const link = await startSlowLink(store.url, { holdAfter: 2 ** 20 });
  const first = await replicas.start([...store.flags(link.url), '--shared-cache-wait', '60000'], environment);
  const cloned = clone(first, NAME);
  cloned.catch(() => {});
  await metricBecomes(first, 'packhorse_shared_cache_read_bytes_total', (bytes) => bytes > 0);
  await kill(first);
  await expect(cloned).rejects.toThrow('git clone failed');
  const streams = path.join(environment.PACKHORSE_CACHE_DIR, 'streams');
  expect(fs.readdirSync(streams).map((file) => path.extname(file))).toEqual(['.tmp']);
  const second = await replicas.start(store.flags(), environment);
  expect(fs.readdirSync(streams)).toEqual([]);
  expectSameRepository(replicas.source, await clone(second, NAME));
  expect(await resultsOf(second)).toEqual(['hit']);
});
