/** The same pack for many: made once, sent from a file, or from what is being made. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readPack } from '../../src/index.ts';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { createLarge, LARGE_PACK_BYTES } from '../support/large.ts';
import { cloneRequest, post, startFetch } from '../support/raw-client.ts';
import { hasPack, metric, metricBecomes, requestsDuring, settled } from '../support/request-log.ts';
import { parseFetchAnswer, pkt, v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const KEEP_ALL = ['--cache-min-uses', '1'];
let large: string;
let wantAll: string;

beforeAll(() => {
  large = createLarge(root, 'large.git');
  wantAll = cloneRequest(large);
});

/** How the cache answered each fetch of a pack so far. */
async function resultsOf(service: RunningService): Promise<(string | undefined)[]> {
  await settled(service);
  return service.log.filter(hasPack).map(({ statistics }) => statistics.cache);
}

/** A repository with a few commits. */
function createSmall(name: string, commits = 5): string {
  const directory = createRepository(root, name);
  const history = new History();
  for (let n = 0; n < commits; n++)
    history.commit({ branch: 'main', files: { [`f${n}`]: `${name} ${n}\n` } });
  history.importInto(directory);
  return directory;
}

test('a pack is kept from the second request for it on, whoever asks, with whatever program', async () => {
  const service = await startService(root);
  expectSameRepository(large, await clone(service, 'large.git'));
  const others = { 'User-Agent': 'another/1', Authorization: 'Basic Ym9iOnNlY3JldA==' };
  await post(service, 'large.git', wantAll, others);
  await post(service, 'large.git', wantAll);
  await post(service, 'large.git', wantAll, others);
  expectSameRepository(large, await clone(service, 'large.git'));
  const target = path.join(temporaryDirectory(), 'v0');
  const { code } = await runGit(root, [
    '-c',
    'protocol.version=0',
    'clone',
    '--mirror',
    `${service.url}/large.git`,
    target,
  ]);
  expect(code).toBe(0);
  expectSameRepository(large, target);
  // git asks for tags to be included, and so for another pack than the request by hand.
  expect(await resultsOf(service)).toEqual(['miss', 'miss', 'miss', 'hit', 'miss', 'hit']);
  expect(await metric(service, 'packhorse_cache_requests_total{result="hit"}')).toBe(2);
  expect(await metric(service, 'packhorse_cache_entries')).toBe(2);
});

test('a hit says how many objects it has, and that they cost nothing', async () => {
  const service = await startService(root, KEEP_ALL);
  const made = parseFetchAnswer((await post(service, 'large.git', wantAll)).body);
  const sent = parseFetchAnswer((await post(service, 'large.git', wantAll)).body);
  expect(sent.pack.equals(made.pack)).toBe(true);
  expect(sent.progress).toMatch(/^Total 19 /);
  await settled(service);
  const [miss, hit] = service.log.filter(hasPack).map(({ statistics }) => statistics);
  expect(hit.objects).toEqual({
    ...hit.objects,
    total: miss.objects.total,
    stream: 0,
    deflated: 0,
    verbatim: 0,
  });
  expect(hit.bytes.total).toBe(miss.bytes.total);
  expect(hit.phases.count + hit.phases.bytes).toBe(0);
  expect(miss.objects.verbatim + miss.objects.stream).toBeGreaterThan(0);
});

test('who does not want progress gets none from a hit either', async () => {
  const service = await startService(root, KEEP_ALL);
  const quiet = wantAll.replace('000eofs-delta\n', '000eofs-delta\n0010no-progress\n');
  const results = [await post(service, 'large.git', wantAll), await post(service, 'large.git', quiet)];
  const [loud, silent] = results.map(({ body }) => parseFetchAnswer(body));
  expect(silent.progress).toBe('');
  expect(silent.pack.equals(loud.pack)).toBe(true);
  expect(await resultsOf(service)).toEqual(['miss', 'hit']);
});

test('those who ask for what is being made follow it, and the first to leave takes nothing from them', async () => {
  const service = await startService(root, [...KEEP_ALL, '--workers', '1']);
  const first = await startFetch(service, 'large.git', wantAll);
  const followers = await Promise.all(
    Array.from({ length: 3 }, () => startFetch(service, 'large.git', wantAll)),
  );
  first.abort();
  for (const follower of followers) {
    const answer = parseFetchAnswer(await follower.finish());
    expect(answer.complete).toBe(true);
    expect(answer.pack.length).toBeGreaterThan(LARGE_PACK_BYTES);
  }
  const results = await resultsOf(service);
  expect(results.filter((result) => result === 'miss')).toHaveLength(1);
  expect(service.log.filter(({ outcome }) => outcome === 'client_aborted')).toHaveLength(1);
});

test('a pack that waits for its place is made for those who still want it', async () => {
  createLarge(root, 'other.git');
  // So little memory that one pack at a time may be on its way.
  const service = await startService(root, ['--workers', '1', '--inflight-memory', '512k']);
  const other = await startFetch(service, 'other.git', cloneRequest(path.join(root, 'other.git')));
  const first = await startFetch(service, 'large.git', wantAll);
  await metricBecomes(service, 'packhorse_admission_queued{lane="clone"}', (n) => n === 1);
  const second = await startFetch(service, 'large.git', wantAll);
  first.abort();
  const left = await service.logged(({ outcome }) => outcome === 'client_aborted');
  expect(left.statistics).toMatchObject({ kind: 'clone', wants: 2, haves: 0, cache: 'miss' });
  expect(left.statistics.phases.negotiate).toBeGreaterThan(0);
  expect(left.statistics.phases.queue).toBeGreaterThan(0);
  expect(left.statistics.phases.queue).toBeLessThanOrEqual(left.seconds!);
  expect(await metric(service, 'packhorse_admission_queued{lane="clone"}')).toBe(1);
  expect(parseFetchAnswer(await other.finish()).complete).toBe(true);
  expect(parseFetchAnswer(await second.finish()).complete).toBe(true);
  await settled(service);
  // What it cost is said of the one that is left.
  const line = service.log
    .filter(({ outcome, repository }) => outcome === 'ok' && repository === 'large.git')
    .at(-1)!;
  expect(line.statistics.bytes.stream).toBeGreaterThan(LARGE_PACK_BYTES / 2);
  expect(await metric(service, 'packhorse_admission_in_progress{lane="clone"}')).toBe(0);
});

test('a pack that no one waits for any more is not made to its end, and nothing of it stays', async () => {
  const cache = temporaryDirectory();
  const service = await startService(root, ['--workers', '1'], { PACKHORSE_CACHE_DIR: cache });
  const first = await startFetch(service, 'large.git', wantAll);
  first.abort();
  await metricBecomes(service, 'packhorse_fetches_in_progress', (n) => n === 0);
  await settled(service);
  const [line] = service.log.filter(hasPack);
  expect(line.outcome).toBe('client_aborted');
  expect(line.statistics.cache).toBe('miss');
  expect(line.statistics.bytes.total).toBeLessThan(LARGE_PACK_BYTES);
  expect(fs.readdirSync(cache)).not.toContain('streams');
  expect(await metric(service, 'packhorse_admission_in_progress{lane="clone"}')).toBe(0);
});

test('followers take no place of their own', async () => {
  const service = await startService(root, [...KEEP_ALL, '--clone-limit', '1', '--workers', '1']);
  const clients = await Promise.all(
    Array.from({ length: 6 }, () => startFetch(service, 'large.git', wantAll)),
  );
  for (const client of clients) expect(parseFetchAnswer(await client.finish()).complete).toBe(true);
  const results = await resultsOf(service);
  expect(results).not.toContain('bypass');
  expect(results.filter((result) => result === 'miss').length).toBeLessThan(3);
});

test('a client that takes nothing of what is sent from a file is seen to stall', async () => {
  const service = await startService(root, [...KEEP_ALL, '--stream-window', '65536']);
  await post(service, 'large.git', wantAll);
  await settled(service);
  const reader = await startFetch(service, 'large.git', wantAll);
  await metricBecomes(service, 'packhorse_streams_stalled', (value) => value === 1);
  expect(parseFetchAnswer(await reader.finish()).complete).toBe(true);
  await settled(service);
  expect(await metric(service, 'packhorse_streams_stalled')).toBe(0);
});

test('a connection that asks again and again is served from the cache too', async () => {
  const service = await startService(root, [...KEEP_ALL, '--git-port', '0']);
  const { git: url } = await service.logged(({ msg }) => msg === 'listening');
  for (const version of [2, 0, 2]) {
    const target = path.join(temporaryDirectory(), 'clone');
    const args = ['-c', `protocol.version=${version}`, 'clone', '--mirror', `${url}/large.git`, target];
    expect((await runGit(root, args)).code).toBe(0);
    expectSameRepository(large, target);
  }
  expect(await resultsOf(service)).toEqual(['miss', 'hit', 'hit']);
});

test('what is hidden by now is refused, though it is in the cache', async () => {
  const source = createSmall('hidden.git');
  const secret = git(source, ['commit-tree', '-m', 'secret', '-p', 'main', 'main^{tree}']);
  git(source, ['update-ref', 'refs/heads/secret', secret]);
  const service = await startService(root, KEEP_ALL);
  const request = `${pkt(`want ${secret} side-band-64k ofs-delta\n`)}0000${pkt('done\n')}`;
  const ask = () => post(service, 'hidden.git', request, { 'Git-Protocol': 'version=0' });
  expect((await ask()).body.toString('latin1')).toContain('PACK');
  await metricBecomes(service, 'packhorse_cache_entries', (n) => n === 1);
  git(source, ['config', 'uploadpack.hideRefs', 'refs/heads/secret']);
  expect((await ask()).body.toString('latin1')).toContain(`ERR upload-pack: not our ref ${secret}`);
});

test('another repository under the same path is another one', async () => {
  createSmall('replaced.git');
  const service = await startService(root, KEEP_ALL);
  await clone(service, 'replaced.git');
  fs.renameSync(path.join(root, 'replaced.git'), path.join(root, 'moved.git'));
  fs.cpSync(path.join(root, 'moved.git'), path.join(root, 'replaced.git'), { recursive: true });
  expectSameRepository(path.join(root, 'replaced.git'), await clone(service, 'replaced.git'));
  expect(await resultsOf(service)).toEqual(['miss', 'miss']);
});

test('what a promisor owes is sent as soon as it has come', async () => {
  const source = createSmall('whole.git');
  git(source, ['config', 'uploadpack.allowFilter', 'true']);
  const partial = path.join(root, 'partial.git');
  git(root, ['clone', '--quiet', '--bare', '--filter=blob:none', `file://${source}`, partial]);
  const service = await startService(root, KEEP_ALL);
  const want = `want ${git(source, ['rev-parse', 'main'])}`;
  const request = v2Request('fetch', [want, 'done'], ['promisor-remote=origin']);
  const objects = async () =>
    readPack(parseFetchAnswer((await post(service, 'partial.git', request)).body).pack).length;
  const without = await objects();
  git(partial, ['cat-file', 'blob', 'main:f0']);
  expect(await objects()).toBe(without + 1);
});

test('packs that were kept are there after a restart', async () => {
  const environment = { PACKHORSE_CACHE_DIR: temporaryDirectory() };
  const before = await startService(root, KEEP_ALL, environment);
  await clone(before, 'large.git');
  expect(await before.stop()).toBe(0);
  const after = await startService(root, KEEP_ALL, environment);
  expectSameRepository(large, await clone(after, 'large.git'));
  expect(await resultsOf(after)).toEqual(['hit']);
});

test('with --cache-size 0 nothing is kept', async () => {
  const cache = temporaryDirectory();
  const service = await startService(root, [...KEEP_ALL, '--cache-size', '0'], {
    PACKHORSE_CACHE_DIR: cache,
  });
  await clone(service, 'large.git');
  await clone(service, 'large.git');
  expect(await resultsOf(service)).toEqual([undefined, undefined]);
  expect(fs.readdirSync(cache)).not.toContain('streams');
  expect(await metric(service, 'packhorse_cache_up')).toBe(0);
});

test('a damaged pack is not sent to its end, and is made anew for the next', async () => {
  const cache = temporaryDirectory();
  const service = await startService(root, KEEP_ALL, { PACKHORSE_CACHE_DIR: cache });
  await clone(service, 'large.git');
  const [name] = fs.readdirSync(path.join(cache, 'streams'));
  const file = fs.openSync(path.join(cache, 'streams', name), 'r+');
  fs.writeSync(file, 'damage', 12 * 2 ** 20);
  fs.closeSync(file);
  await expect(clone(service, 'large.git')).rejects.toThrow(/damaged; try again/);
  const lines = await requestsDuring(service, async () =>
    expectSameRepository(large, await clone(service, 'large.git')),
  );
  expect(lines.filter(hasPack).map(({ statistics }) => statistics.cache)).toEqual(['miss']);
  expect(await metric(service, 'packhorse_cache_evicted_bytes_total{reason="damaged"}')).toBeGreaterThan(0);
});

test('a second process that is given the same directory goes without, and says whose it is', async () => {
  const environment = { PACKHORSE_CACHE_DIR: temporaryDirectory() };
  const holder = await startService(root, KEEP_ALL, environment);
  const second = await startService(root, KEEP_ALL, environment);
  const line = await second.logged(({ msg }) => msg.startsWith('packs are not kept'));
  expect(line.msg).toContain(String(holder.process.pid));
  expectSameRepository(large, await clone(second, 'large.git'));
  expect(await resultsOf(second)).toEqual([undefined]);
});
