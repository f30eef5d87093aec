/** Bundles with real clients: git starts clones from them, curl goes on with what broke off. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { bundlePaths, cloneUntilBundled } from '../support/bundles.ts';
import { clone, expectSameBranches, expectSameRepository, gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { cloneRequest, post, send } from '../support/raw-client.ts';
import { requestsDuring } from '../support/request-log.ts';
import { type RunningService, startService } from '../support/service.ts';

/** Several services have the directory in turn and at once, which one that keeps packs there does not allow. */
const FLAGS = ['--bundles', 'on', '--git-port', '0', '--cache-size', '0'];
const root = temporaryDirectory();
const cache = temporaryDirectory();
const source = createRepository(root, 'source.git');
let service: RunningService;

const start = (flags: readonly string[] = []) =>
  startService(root, [...FLAGS, ...flags], { PACKHORSE_CACHE_DIR: cache });

/** Three objects a commit. */
function addCommits(minute: number, commits: number): void {
  const history = new History(minute);
  for (let n = 0; n < commits; n++) {
    const from = n === 0 && minute > 0 ? { from: 'refs/heads/main^0' } : {};
    history.commit({ branch: 'main', ...from, files: { [`file ${n % 50}`]: `${minute} ${n}\n` } });
  }
  history.importInto(source);
  git(source, ['tag', '-m', 'a tag', `v${minute}`, 'main']);
}

async function download(where: string): Promise<string> {
  const file = path.join(temporaryDirectory(), path.basename(where));
  fs.writeFileSync(file, (await send(service, { path: where })).body);
  return file;
}

beforeAll(async () => {
  addCommits(0, 300);
  service = await start();
});

test('a repository has a bundle after three clones, from which a clone starts that fetches the rest', async () => {
  const line = await cloneUntilBundled(service, source, 'source.git', 3);
  expect(line).toMatchObject({ kind: 'full', objects: 3 * 300 + 1, level: 30 });
  const [where] = await bundlePaths(service, 'source.git');
  addCommits(1000, 2);
  let target = '';
  const lines = await requestsDuring(service, async () => {
    target = await clone(service, 'source.git', [`--bundle-uri=${service.url}${where}`]);
  });
  expectSameBranches(source, target);
  expect(lines.filter(({ command }) => command === 'bundle')).toHaveLength(1);
  // Of what a bundle holds git 2.39 remembers only the branches, so that an old tag comes along.
  expect(lines.at(-1)!.statistics).toMatchObject({ kind: 'fetch', objects: { total: 3 * 2 + 2 } });
});

test('what has come since is in another one, which a service that was started anew makes', async () => {
  const before = await bundlePaths(service, 'source.git');
  addCommits(2000, 400);
  await service.stop();
  service = await start();
  expect(await bundlePaths(service, 'source.git')).toEqual(before);
  // Who asks for bundles is about to clone.
  const line = await cloneUntilBundled(service, source, 'source.git', 2);
  expect(line).toMatchObject({ kind: 'incremental', objects: 3 * 402 + 2 });
  const [first, second] = await bundlePaths(service, 'source.git');
  expect([first]).toEqual(before);

  const files = [await download(first), await download(second)];
  expect((await runGit(root, ['clone', files[1], 'incomplete'])).code).not.toBe(0);
  const target = createRepository(temporaryDirectory(), 'target.git');
  for (const file of files) {
    git(target, ['bundle', 'verify', '-q', file]);
    git(target, ['fetch', '-q', file, '+refs/*:refs/*']);
  }
  expectSameRepository(source, target);
  addCommits(3000, 1);
  const lines = await requestsDuring(service, () =>
    gitIn(target, ['fetch', '-q', `${service.url}/source.git`, '+refs/*:refs/*']),
  );
  expectSameRepository(source, target);
  expect(lines.at(-1)!.statistics).toMatchObject({ kind: 'fetch', objects: { total: 3 + 1 } });
});

test('a download that broke off goes on where it ended', async () => {
  const [where] = await bundlePaths(service, 'source.git');
  const whole = (await send(service, { path: where })).body;
  const file = path.join(temporaryDirectory(), 'bundle');
  fs.writeFileSync(file, whole.subarray(0, 12_345));
  const { stderr } = await promisify(execFile)('curl', ['-fsS', '-C', '-', '-o', file, service.url + where]);
  expect(stderr).toBe('');
  expect(fs.readFileSync(file).equals(whole)).toBe(true);
});

test('a bundle goes on being sent to who has begun when it is removed', async () => {
  const [where] = await bundlePaths(service, 'source.git');
  const whole = (await send(service, { path: where })).body;
  const response = await fetch(service.url + where);
  fs.rmSync(path.join(cache, 'bundles'), { recursive: true });
  expect(Buffer.from(await response.arrayBuffer()).equals(whole)).toBe(true);
  expect((await send(service, { path: where })).status).toBe(404);
  expect(await bundlePaths(service, 'source.git')).toEqual([]);
  expectSameRepository(source, await clone(service, 'source.git'));
});

test('bundles are offered over HTTP alone: their addresses are relative ones', async () => {
  const own = await start(['--bundle-min-clones', '1']);
  await cloneUntilBundled(own, source, 'source.git', 1);
  const { git: gitUrl } = await own.logged(({ msg }) => msg === 'listening');
  const asked = async (url: string) => {
    const { stderr } = await runGit('/', ['ls-remote', `${url}/source.git`], { GIT_TRACE_PACKET: '1' });
    return stderr;
  };
  expect(await asked(own.url)).toContain('bundle-uri');
  const overGit = await asked(gitUrl);
  expect(overGit).toContain('object-format');
  expect(overGit).not.toContain('bundle-uri');
});

test('partial clones are not counted', async () => {
  const own = await start(['--bundle-min-clones', '2', '--git-config', 'uploadpack.allowFilter=true']);
  const partial = createRepository(root, 'partial.git');
  git(partial, ['fetch', '-q', source, 'main:main']);
  for (const _ of [1, 2]) await clone(own, 'partial.git', ['--bare', '--filter=blob:none']);
  await post(own, 'partial.git', cloneRequest(partial));
  // Bundles are made one after the other.
  const other = createRepository(root, 'other.git');
  git(other, ['fetch', '-q', source, 'main:main']);
  await cloneUntilBundled(own, other, 'other.git', 2);
  expect(own.log.filter(({ msg }) => msg === 'bundle built').map(({ repository }) => repository)).toEqual([
    'other.git',
  ]);
});

test('a cache directory that cannot be written: a warning, and clones as before', async () => {
  const directory = temporaryDirectory();
  fs.writeFileSync(path.join(directory, 'bundles'), 'not a directory');
  const flags = [...FLAGS, '--bundle-min-clones', '1'];
  const own = await startService(root, flags, { PACKHORSE_CACHE_DIR: directory });
  expectSameRepository(source, await clone(own, 'source.git'));
  const warning = await own.logged(({ msg }) => msg === 'a bundle could not be built');
  expect(warning).toMatchObject({ level: 40, repository: 'source.git', error: { code: 'PACKHORSE_IO' } });
  expectSameRepository(source, await clone(own, 'source.git'));
});
