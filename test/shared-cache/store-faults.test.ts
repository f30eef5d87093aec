/** A store that is not there, is slow, or has something wrong: packs are made as they would be without it. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSlowLink } from '../load/slow-link.ts';
import { clone, expectSameRepository } from '../support/clone.ts';
import {
  closedAddress,
  ObjectStore,
  STORE_CREDENTIALS,
  sharedFlags,
  startSilentServer,
} from '../support/object-store.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import type { RunningService } from '../support/service.ts';
import { NAME, Replicas, requests, resultsOf, uploaded, writes } from './fleet.ts';

let replicas: Replicas;
/** A store that holds one pack, by its name, and these bytes. */
let filled: ObjectStore;
let name: string;
let good: Buffer;
/** An empty one for each test. */
let store: ObjectStore;

beforeAll(async () => {
  replicas = new Replicas();
  filled = await ObjectStore.start();
  const service = await replicas.start(filled.flags());
  await clone(service, NAME);
  await uploaded(service);
  [name] = filled.names;
  good = filled.read(name);
});

beforeEach(async () => {
  store = await ObjectStore.start();
});

async function expectClone(service: RunningService): Promise<void> {
  expectSameRepository(replicas.source, await clone(service, NAME));
}

test('a store that is not there fails no fetch, and is left alone after a while', async () => {
  const service = await replicas.start(['--cache-min-uses', '100', ...sharedFlags(await closedAddress())]);
  for (let n = 0; n < 7; n++) await expectClone(service);
  expect(await metric(service, requests('error'))).toBe(5);
  expect(await metric(service, 'packhorse_shared_cache_up')).toBe(0);
  expect(service.log.filter(({ msg }) => msg.startsWith('the shared cache fails'))).toHaveLength(1);
  expect(await resultsOf(service)).toEqual(Array(7).fill('miss'));
});

test('a store that never says a word costs the time limit', async () => {
  const flags = [...sharedFlags(await startSilentServer()), '--shared-cache-first-byte', '50'];
  const service = await replicas.start(flags);
  await expectClone(service);
  expect(await metric(service, requests('timeout'))).toBe(1);
  expect(await service.stop()).toBe(0);
});

test.each<[string, { bucket?: string; AWS_ACCESS_KEY_ID?: string; AWS_SECRET_ACCESS_KEY?: string }]>([
  ['a bucket that is not there', { bucket: 'nothing' }],
  ['credentials that it does not know', { AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'top-secret' }],
])('%s fails no fetch', async (_, { bucket, ...credentials }) => {
  const service = await replicas.start(sharedFlags(store.url, bucket), credentials);
  await expectClone(service);
  expect(await metric(service, requests('error'))).toBe(1);
  await metricBecomes(service, writes('error'), (errors) => errors === 1);
  expect(JSON.stringify(service.log)).not.toContain('top-secret');
});

test('a store that goes away in the middle of a pack fails no fetch', async () => {
  store.copy(filled);
  const link = await startSlowLink(store.url, { holdAfter: 2 ** 20 });
  const service = await replicas.start(store.flags(link.url));
  const cloned = expectClone(service);
  await link.held;
  link.close();
  await cloned;
  expect(await resultsOf(service)).toEqual(['miss']);
  expect(await metric(service, requests('error'))).toBe(1);
});

test('a pack that takes too long to come is made, and has come for the next one', async () => {
  store.copy(filled);
  const link = await startSlowLink(store.url, { holdAfter: 2 ** 20 });
  const flags = [...store.flags(link.url), '--cache-min-uses', '100', '--shared-cache-wait', '50'];
  const service = await replicas.start(flags);
  await expectClone(service);
  expect(await metric(service, requests('timeout'))).toBe(1);
  expect(await metric(service, 'packhorse_cache_entries')).toBe(0);
  link.release();
  await metricBecomes(service, 'packhorse_cache_entries', (entries) => entries === 1);
  await expectClone(service);
  expect(await resultsOf(service)).toEqual(['miss', 'hit']);
});

describe('what is wrong is not used:', () => {
  /** Another pack of the same repository. */
  const another = async () => {
    const other = await ObjectStore.start();
    const service = await replicas.start(other.flags());
    await clone(service, NAME, ['--bare', '--depth', '1']);
    await uploaded(service);
    return other.read(other.names[0]);
  };

  test.each<[string, () => Buffer | Promise<Buffer>]>([
    ['nothing at all', () => Buffer.alloc(0)],
    ['words', () => Buffer.from('<html>Sign in to the wireless network</html>')],
    ['the first half', () => good.subarray(0, good.length / 2)],
    ['all but the last byte', () => good.subarray(0, -1)],
    ['a byte more', () => Buffer.concat([good, Buffer.of(0)])],
    ['a bit of the pack', () => altered(good.length / 2)],
    ['a bit of the head', () => altered(20)],
    ['a bit of the end', () => altered(good.length - 20)],
    ['the pack of another request', another],
  ])('%s', async (_, wrong) => {
    store.copy(filled);
    store.write(name, await wrong());
    const service = await replicas.start(store.flags());
    await expectClone(service);
    expect(await resultsOf(service)).toEqual(['miss']);
    expect(await metric(service, requests('invalid'))).toBe(1);
    expect(await metric(service, 'packhorse_shared_cache_up')).toBe(1);
  });

  function altered(position: number): Buffer {
    const bytes = Buffer.from(good);
    bytes[Math.floor(position)] ^= 1;
    return bytes;
  }
});

test('what is wrong is replaced by what is made then', async () => {
  store.copy(filled);
  store.write(name, good.subarray(0, 1000));
  const service = await replicas.start(store.flags());
  await expectClone(service);
  await uploaded(service);
  const next = await replicas.start(store.flags());
  await expectClone(next);
  expect(await resultsOf(next)).toEqual(['hit']);
});

test('a pack that is larger than the space for packs is not brought', async () => {
  store.copy(filled);
  const service = await replicas.start([...store.flags(), '--cache-size', '1m']);
  await expectClone(service);
  expect(await metric(service, requests('error'))).toBe(1);
  expect(await metric(service, 'packhorse_shared_cache_read_bytes_total')).toBe(0);
});

test('credentials come from the environment alone, and are in no log line', async () => {
  const service = await replicas.start(store.flags());
  await expectClone(service);
  await uploaded(service);
  const log = JSON.stringify(service.log);
  expect(log).toContain(store.url);
  expect(log).not.toContain(STORE_CREDENTIALS.AWS_SECRET_ACCESS_KEY);
});
