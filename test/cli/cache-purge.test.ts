/** A repository goes by several paths: by any of them all is removed that was kept for any other. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { listEntries } from '../../src/store/entries/entry-directories.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { cloneRequest, post } from '../support/raw-client.ts';
import { hasPack, metric, settled } from '../support/request-log.ts';
import { v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';
import { runPackhorse } from './run-packhorse.ts';

let cache: string;
let root: string;
let source: string;
let service: RunningService;

beforeEach(async () => {
  cache = temporaryDirectory();
  root = temporaryDirectory();
  source = createLoose('foo.git');
  fs.symlinkSync('foo.git', path.join(root, 'alias.git'));
  const other = createLoose('other.git');
  service = await startService(root, ['--cache-min-uses', '1'], { PACKHORSE_CACHE_DIR: cache });
  await post(service, 'other.git', cloneRequest(other));
});

/** A repository of which entries are kept, as its objects lie loose. */
function createLoose(name: string): string {
  const directory = createRepository(root, name);
  const history = new History();
  history.commit({ branch: 'main', files: { file: `${name} `.repeat(200) } });
  history.importInto(directory, true);
  return directory;
}

/** Asks by these paths, each for another pack. */
async function keepFor(...names: string[]): Promise<void> {
  const requests = [
    cloneRequest(source),
    v2Request('fetch', [`want ${git(source, ['rev-parse', 'main'])}`, 'deepen 1', 'done']),
    v2Request('fetch', [`want ${git(source, ['rev-parse', 'main'])}`, 'no-progress', 'done']),
  ];
  for (const [n, name] of names.entries()) await post(service, name, requests[n]);
  await settled(service);
  const results = service.log.filter(hasPack).map(({ statistics }) => statistics.cache);
  expect(results.slice(1)).toEqual(names.map(() => 'miss'));
  expect(await metric(service, 'packhorse_cache_entries')).toBe(1 + names.length);
}

/** What is left, by the path that was asked for and by the directory. */
async function left(): Promise<string[]> {
  const { stdout } = await runPackhorse(['cache', 'ls', '--json', '--cache-dir', cache]);
  const streams = (JSON.parse(stdout) as { repository: string }[]).map(({ repository }) => repository);
  return [...streams, ...(await listEntries(cache)).map(({ repository }) => path.basename(repository))];
}

async function purge(name: string): Promise<string> {
  const { code, stdout } = await runPackhorse(['cache', 'purge', name, '--cache-dir', cache]);
  expect(code).toBe(0);
  return stdout;
}

test.each(['foo', 'foo.git', '/foo/', 'alias', 'alias.git', './alias.git'])('%s', async (name) => {
  await keepFor('alias.git', 'foo', 'foo.git');
  expect(await left()).toHaveLength(6);
  expect(await purge(name)).toMatch(/^removed 3 streams of .*, and .* of entries\n$/);
  expect(await left()).toEqual(['other.git', 'other.git']);
});

test('a link that no one had asked for, and the path on disk', async () => {
  await keepFor('foo');
  await purge('alias');
  expect(await left()).toEqual(['other.git', 'other.git']);
  await post(service, 'foo', cloneRequest(source));
  await purge(path.join(root, 'alias.git'));
  expect(await left()).toEqual(['other.git', 'other.git']);
});

test('a repository that is gone, by a link that led to it', async () => {
  await keepFor('alias', 'foo');
  fs.rmSync(source, { recursive: true });
  await purge('alias');
  expect(await left()).toEqual(['other.git', 'other.git']);
});

test('worktrees are of their repository', async () => {
  git(source, ['worktree', 'add', '-q', path.join(root, 'tree'), 'main']);
  await keepFor('tree', 'foo');
  await purge('foo.git');
  expect(await left()).toEqual(['other.git', 'other.git']);
});
