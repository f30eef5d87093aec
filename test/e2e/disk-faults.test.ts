/**
 * A disk that fails, or is full: clients are told so, in words that say neither corruption nor where the server keeps
 * things; no ref vanishes, nothing is marked for good, and other streams go on.
 */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { clone, expectSameRepository, refsOf } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Fault, Faults } from '../support/faults.ts';
import { git, runGit } from '../support/git.ts';
import { applySteps, blobId, type DeltaStep, storeHandmadePack } from '../support/handmade-pack.ts';
import { addCommit, commitBlobs, createRepository, History, noise } from '../support/history.ts';
import { createLarge } from '../support/large.ts';
import { watchOpenFiles } from '../support/open-files.ts';
import { cloneRequest, post, repositoryFromPack, startFetch } from '../support/raw-client.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { parseFetchAnswer, v2Request } from '../support/requests.ts';
import { type LogLine, type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const temporary = temporaryDirectory();
const cache = temporaryDirectory();
const faults = new Faults();
const other = createLarge(root, 'other.git');
let service: RunningService;

beforeAll(async () => {
  service = await startService(root, ['--workers', '2'], {
    ...faults.environment,
    TMPDIR: temporary,
    PACKHORSE_CACHE_DIR: cache,
  });
  await Promise.all([clone(service, 'other.git'), clone(service, 'other.git')]);
});

afterEach(() => faults.set());

/** Packed and loose refs, packed objects, and all kinds of files that make a fetch faster. */
function createSource(name: string): string {
  const source = createRepository(root, name);
  const history = new History();
  for (let n = 0; n < 5; n++) history.commit({ branch: 'main', files: { [`file${n}`]: `${n}\n` } });
  history.tag('v1', ':2');
  history.importInto(source);
  git(source, ['-c', 'pack.writeReverseIndex=true', 'repack', '-adbq']);
  git(source, ['commit-graph', 'write', '--reachable']);
  git(source, ['pack-refs', '--all']);
  git(source, ['update-ref', 'refs/heads/topic/loose', 'main~1']);
  return source;
}

/** Has something fail while another client's clone is under way, which must end well and leave nothing open. */
async function besideAnother(run: () => Promise<void>): Promise<void> {
  const nothingIsLeft = watchOpenFiles(service, root);
  const undisturbed = await startFetch(service, 'other.git', cloneRequest(other));
  await run().catch((error) => {
    undisturbed.abort();
    throw error;
  });
  const { pack, complete } = parseFetchAnswer(await undisturbed.finish());
  expect(complete).toBe(true);
  expectSameRepository(other, repositoryFromPack(path.join(temporaryDirectory(), 'received'), pack, other));
  await nothingIsLeft();
}

/** What a client that asks for everything is told at the end; no pack must have come through. */
async function failureOf(source: string, request: string): Promise<string> {
  const { status, body } = await post(service, path.basename(source), request);
  expect(status).toBe(200);
  expect(body.includes(root)).toBe(false);
  if (!body.includes('packfile\n')) return body.toString().replace(/^....ERR /, '');
  const { pack, lastWords, complete } = parseFetchAnswer(body);
  expect(complete).toBe(false);
  expect(() => git(other, ['index-pack', '--stdin'], { input: pack })).toThrow();
  return lastWords;
}

/** Clones with git; returns what the service logged of its requests, that with the pack last. */
async function cloneWell(source: string): Promise<LogLine[]> {
  const before = service.log.length;
  expectSameRepository(source, await clone(service, path.basename(source)));
  const isClone = (line: LogLine) => isOf(source, line) && line.statistics?.kind === 'clone';
  await service.logged((line) => service.log.indexOf(line) >= before && isClone(line));
  return service.log.slice(before).filter((line) => isOf(source, line) && line.outcome !== undefined);
}

const isOf = (source: string, { repository }: LogLine) => repository === path.basename(source);

const LISTING = v2Request('ls-refs', ['peel', 'symrefs']);

describe.each<[what: string, fault: Pick<Fault, 'calls' | 'path' | 'action'>, request?: string]>([
  ['a pack that cannot be read', { calls: ['read'], path: '\\.pack$', action: 'EIO' }],
  ['no descriptor for a pack', { calls: ['open'], path: '\\.pack$', action: 'EMFILE' }],
  ['an index that cannot be read', { calls: ['read'], path: '\\.idx$', action: 'EIO' }],
  ['packs that cannot be listed', { calls: ['readdir'], path: 'objects/pack$', action: 'ESTALE' }],
  ['a loose ref that cannot be read', { calls: ['read'], path: 'topic/loose$', action: 'EIO' }, LISTING],
  [
    'loose refs that cannot be listed',
    { calls: ['readdir'], path: 'heads/topic', action: 'ENOMEM' },
    LISTING,
  ],
  ['packed refs that cannot be read', { calls: ['read'], path: 'packed-refs$', action: 'EIO' }, LISTING],
  ['a configuration that cannot be read', { calls: ['read'], path: 'config$', action: 'EIO' }],
  ['a HEAD that cannot be read', { calls: ['readFile'], path: 'HEAD$', action: 'EIO' }],
  ['alternates that cannot be looked for', { calls: ['stat'], path: 'info/alternates$', action: 'EIO' }],
])('%s', (what, { calls, path: file, action }, request) => {
  test('is told, and passes', async () => {
    const name = `${what.replaceAll(' ', '-')}.git`;
    const source = createSource(name);
    const mirror = path.join(temporaryDirectory(), 'mirror');
    git(root, ['clone', '--quiet', '--mirror', source, mirror]);
    git(mirror, ['remote', 'set-url', 'origin', `${service.url}/${name}`]);
    const before = refsOf(mirror);
    await besideAnother(async () => {
      faults.set({ name: 'disk', calls, path: `/${name}/.*${file}`, action });
      const told = new RegExp(`${calls[0].replace('File', '')} failed: ${action}`);
      expect(await failureOf(source, request ?? cloneRequest(source))).toMatch(told);
      // A client that prunes keeps what it has.
      const pruned = await runGit(mirror, ['fetch', '--prune', 'origin']);
      expect(pruned.code).not.toBe(0);
      expect(pruned.stderr).toMatch(told);
      expect(pruned.stderr).not.toMatch(/corrupt|not our ref|not found/);
      expect(refsOf(mirror)).toEqual(before);
      const line = await service.logged((each) => isOf(source, each) && each.outcome === 'error');
      expect(line.error.code).toBe('PACKHORSE_IO');
    });
    faults.set();
    addCommit(source, 'main', { more: 'more\n' });
    expect(await runGit(mirror, ['fetch', '--prune', 'origin'])).toMatchObject({ code: 0 });
    expect(refsOf(mirror)).toEqual(refsOf(source));
    const lines = await cloneWell(source);
    expect(lines.at(-1)!.statistics).toMatchObject({ bitmap: 'used', ignored: [] });
  });
});

test('a pack that cannot be read any more when half of it is sent', async () => {
  const source = createLarge(root, 'half.git');
  await besideAnother(async () => {
    const fetch = await startFetch(service, 'half.git', cloneRequest(source));
    await metricBecomes(service, 'packhorse_stream_inflight_bytes', (bytes) => bytes > 0);
    faults.set({ name: 'half', calls: ['read'], path: 'half.git/.*\\.pack$', action: 'EIO' });
    const { pack, lastWords, complete } = parseFetchAnswer(await fetch.finish());
    expect(lastWords).toMatch(/^[^/]*read failed: EIO$/);
    expect(complete).toBe(false);
    expect(() => git(other, ['index-pack', '--stdin'], { input: pack })).toThrow();
  });
  faults.set();
  expectSameRepository(source, await clone(service, 'half.git'));
});

test.each([
  ['rev', '\\.rev$', 1],
  ['bitmap', 'pack-.*\\.bitmap$', 1],
  // A repack may have been at work: it is looked at twice.
  ['midx', '/multi-pack-index$', 2],
  ['graph', '/commit-graph$', 1],
])('%s: a file that only makes it faster is done without, once', async (kind, file, times) => {
  const name = `without-${kind}.git`;
  const source = createSource(name);
  if (kind === 'midx') git(source, ['multi-pack-index', 'write']);
  await besideAnother(async () => {
    const calls = ['read', 'readFile'];
    faults.set({ name: kind, calls, path: `/${name}/.*${file}`, action: 'EIO', times });
    for (const ignored of [[expect.stringMatching(/: read failed: EIO$/)], []]) {
      // Each is one whole fetch, from the same worker: the other is busy with the clone.
      const lines = await cloneWell(source);
      expect(lines.flatMap(({ statistics }) => statistics.ignored)).toEqual(ignored);
    }
    expect(faults.struck(kind)).toBe(times);
  });
});

test('a full disk where a large object must be put together', async () => {
  const MIB = 2 ** 20;
  const source = createRepository(root, 'spool.git');
  const blob = noise(6 * MIB, 3);
  const steps: DeltaStep[] = [{ copy: [0, 5 * MIB] }, { insert: noise(100, 4) }];
  storeHandmadePack(source, [
    { base: blobId(blob), baseSize: blob.length, steps },
    { type: 'blob', data: blob },
  ]);
  commitBlobs(source, 'main', { big: blobId(applySteps(blob, steps)) });
  await besideAnother(async () => {
    faults.set({ name: 'full', calls: ['write'], path: '/spool$', action: 'ENOSPC' });
    expect(await failureOf(source, cloneRequest(source))).toMatch(/write failed: ENOSPC$/);
    faults.set({ name: 'full', calls: ['mkdtemp'], path: temporary, action: 'ENOSPC' });
    expect(await failureOf(source, cloneRequest(source))).toMatch(/mkdtemp failed: ENOSPC$/);
    expect(fs.readdirSync(temporary)).toEqual([]);
  });
  faults.set();
  expectSameRepository(source, await clone(service, 'spool.git'));
});

test('a full disk for bitmaps of our own: clones go on without, and nothing half written stays', async () => {
  const source = createRepository(root, 'bitmaps.git');
  const files = Array.from({ length: 20_000 }, (_, i) => [`${i % 200}/${i}`, `content of ${i}\n`]);
  const history = new History();
  history.commit({ branch: 'main', files: Object.fromEntries(files) });
  history.importInto(source);
  await besideAnother(async () => {
    faults.set({ name: 'full', calls: ['writeFile'], path: `${cache}/.*\\.tmp$`, action: 'ENOSPC' });
    expectSameRepository(source, await clone(service, 'bitmaps.git'));
    const warning = await service.logged(({ msg }) => msg === 'bitmaps could not be built');
    expect(warning.error.code).toBe('PACKHORSE_IO');
    expect(fs.readdirSync(path.join(cache, 'bitmaps'))).toEqual([]);
    expectSameRepository(source, await clone(service, 'bitmaps.git'));
  });
});

test('none of this has cost a worker', async () => {
  expect(await metric(service, 'packhorse_worker_restarts_total{reason="crash"}')).toBe(0);
});
