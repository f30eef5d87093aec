/** Many clients of one pack that is being made, each as fast as it is. */
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { GitClient, type Transfer } from '../../bench/client.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { Faults } from '../support/faults.ts';
import { git } from '../support/git.ts';
import { createLarge, LARGE_PACK_BYTES } from '../support/large.ts';
import { cloneRequest, post, startFetch } from '../support/raw-client.ts';
import { hasPack, metric, metricBecomes, settled } from '../support/request-log.ts';
import { parseFetchAnswer } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const FOLLOWERS = 50;
const MIB = 2 ** 20;
/** Of the slowest of them; each of the others is a little faster. */
const SLOWEST = 8 * MIB;

const root = temporaryDirectory();
let wants: string[];

beforeAll(() => {
  const source = createLarge(root, 'large.git');
  wants = [...new Set(git(source, ['for-each-ref', '--format=%(objectname)']).split('\n'))];
});

/** A client that waits for its first byte; it is told apart by its speed. */
function start(service: RunningService, bytesPerSecond: number) {
  const client = new GitClient(`${service.url}/large.git`);
  let begun: (transfer: Transfer) => void = () => {};
  const first = new Promise<Transfer>((resolve) => {
    begun = resolve;
  });
  const ended = client
    .fetch({ wants, haves: [] }, { bytesPerSecond, onBytes: (_, transfer) => begun(transfer) })
    .finally(() => client.close());
  return { first, ended };
}

test('fifty clients of different speeds follow one build, though the first of them leaves', async () => {
  const service = await startService(root, ['--workers', '1', '--cache-min-uses', '1']);
  const first = start(service, SLOWEST);
  const leaver = await first.first;
  const others = Array.from({ length: FOLLOWERS }, (_, n) => start(service, SLOWEST + n * MIB));
  await Promise.all(others.map(({ first }) => first));
  leaver.hangUp();
  expect((await first.ended).complete).toBe(false);
  for (const { ended } of others) {
    const { complete, packBytes } = await ended;
    expect(complete).toBe(true);
    expect(packBytes).toBeGreaterThan(LARGE_PACK_BYTES);
  }
  await settled(service);
  const results = service.log.filter(hasPack).map(({ statistics }) => statistics.cache);
  expect(results.filter((result) => result === 'miss')).toHaveLength(1);
  expect(results).toHaveLength(FOLLOWERS + 1);
  expect(await metric(service, 'packhorse_stream_inflight_bytes')).toBe(0);
});

test('where no file can be had, each who would follow makes a pack of its own', async () => {
  const faults = new Faults();
  const service = await startService(root, ['--workers', '1'], faults.environment);
  faults.set({ name: 'full', calls: ['open'], path: 'streams/.*\\.tmp$', action: 'ENOSPC' });
  const clients = [1, 2, 3].map((times) => start(service, times * 4 * SLOWEST));
  for (const { ended } of clients) expect((await ended).complete).toBe(true);
  await settled(service);
  const results = service.log.filter(hasPack).map(({ statistics }) => statistics.cache);
  expect(results).not.toContain('hit');
  expect(results).not.toContain('follow');
  expect(faults.struck('full')).toBe(1);
  expect(await metric(service, 'packhorse_admission_in_progress{lane="clone"}')).toBe(0);
});

test('a disk that is full fails no one: they go on at the pace of the slowest', async () => {
  const faults = new Faults();
  const service = await startService(root, ['--workers', '1', '--cache-min-uses', '1'], faults.environment);
  faults.set({ name: 'full', calls: ['write', 'writev'], path: 'streams/.*\\.tmp$', action: 'ENOSPC' });
  const clients = [2, 4, 8].map((times) => start(service, times * SLOWEST));
  for (const { ended } of clients) expect((await ended).complete).toBe(true);
  expect(faults.struck('full')).toBeGreaterThan(0);
  await metricBecomes(service, 'packhorse_fetches_in_progress', (n) => n === 0);
  expect(await metric(service, 'packhorse_cache_entries')).toBe(0);
  expect(await metric(service, 'packhorse_cache_up')).toBe(0);
  expect(service.log.filter(({ outcome }) => outcome === 'error')).toEqual([]);
});

test('a worker that is lost takes the pack of all who follow, and each is told so', async () => {
  createLarge(root, 'other.git');
  const faults = new Faults();
  // So little memory that one pack at a time may be on its way.
  const flags = ['--workers', '1', '--inflight-memory', '512k'];
  const service = await startService(root, flags, faults.environment);
  const other = await startFetch(service, 'other.git', cloneRequest(path.join(root, 'other.git')));
  const request = cloneRequest(path.join(root, 'large.git'));
  const followers = [
    await startFetch(service, 'large.git', request),
    await startFetch(service, 'large.git', request),
  ];
  faults.set({ name: 'lost', calls: ['read'], path: 'large.git/.*\\.pack$', action: 'crash', times: 1 });
  expect(parseFetchAnswer(await other.finish()).complete).toBe(true);
  for (const follower of followers) {
    const { error, complete } = parseFetchAnswer(await follower.finish());
    expect(error).toContain('a worker of the server crashed');
    expect(complete).toBe(false);
  }
  await settled(service);
  expect(faults.struck('lost')).toBe(1);
  expect(await metric(service, 'packhorse_cache_entries')).toBe(0);
  for (const lane of ['light', 'clone']) {
    expect(await metric(service, `packhorse_admission_in_progress{lane="${lane}"}`)).toBe(0);
  }
  expect(parseFetchAnswer((await post(service, 'large.git', request)).body).complete).toBe(true);
});
