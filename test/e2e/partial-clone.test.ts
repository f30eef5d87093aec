/** Partial clones by the real git: what was left out is fetched when it is needed. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { clone, gitIn, storedObjects } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git, runGit } from '../support/git.ts';
import { addCommit, createRepository, History } from '../support/history.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  for (const [name, bitmaps] of [
    ['plain.git', 'false'],
    ['bitmapped.git', 'true'],
  ]) {
    const source = createRepository(root, name);
    const history = new History();
    for (let i = 0; i < 10; i++) {
      history.commit({
        branch: 'main',
        files: { [`d${i % 3}/file`]: `version ${i}\n`.repeat(50), same: 'x', patterns: '/d1/\n/same\n' },
      });
    }
    history.importInto(source);
    git(source, ['-c', `repack.writeBitmaps=${bitmaps}`, 'repack', '-adq']);
    git(source, ['config', 'uploadpack.allowFilter', 'true']);
  }
  service = await startService(root);
});

const typesOf = (directory: string) => {
  const lines = git(directory, ['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)']).split(
    '\n',
  );
  return Object.fromEntries(
    ['commit', 'tree', 'blob'].map((type) => [type, lines.filter((line) => line === type).length]),
  );
};

test.each(['plain.git', 'bitmapped.git'])('without blobs, and a checkout: %s', async (name) => {
  const source = path.join(root, name);
  const target = await clone(service, name, ['--filter=blob:none', '--no-checkout']);
  expect(typesOf(target)).toMatchObject({ commit: 10, blob: 0 });
  await gitIn(target, ['checkout', '--quiet', 'main']);
  expect(typesOf(target)).toMatchObject({ commit: 10, blob: 5 });
  expect(fs.readFileSync(path.join(target, 'd0/file'), 'utf8')).toBe('version 9\n'.repeat(50));
  // Older versions come when they are looked at.
  expect(await gitIn(target, ['show', 'main~5:d1/file'])).toBe('version 4\n'.repeat(50));
  expect(await gitIn(target, ['log', '-p', '--format=%H'])).toBe(
    git(source, ['log', '-p', '--format=%H', 'main']).concat('\n'),
  );
  expect(storedObjects(target)).toEqual(storedObjects(source));
  fsck(target);
});

test.each(['plain.git', 'bitmapped.git'])('without trees: %s', async (name) => {
  const target = await clone(service, name, ['--filter=tree:0', '--no-checkout']);
  expect(typesOf(target)).toEqual({ commit: 10, tree: 0, blob: 0 });
  await gitIn(target, ['checkout', '--quiet', 'main']);
  expect(fs.readFileSync(path.join(target, 'd0/file'), 'utf8')).toBe('version 9\n'.repeat(50));
  fsck(target);
});

const FILTERS = [
  'blob:none',
  'blob:limit=100',
  'tree:0',
  'tree:1',
  'tree:2',
  'object:type=commit',
  'object:type=tree',
  'sparse:oid=main:patterns',
  'blob:none tree:1',
  'tree:2 sparse:oid=main:patterns',
  'combine:blob:limit=10+tree:2',
];

describe.each(['plain.git', 'bitmapped.git'])('%s', (name) => {
  const source = path.join(root, name);

  test.each(FILTERS)('a clone that filters holds what one by stock git does: %s', async (specs) => {
    const filters = specs.split(' ').map((spec) => `--filter=${spec}`);
    for (const depth of [[], ['--depth=3']]) {
      const flags = ['--bare', ...filters, ...depth];
      const judge = path.join(temporaryDirectory(), 'judge');
      git(root, ['clone', '--quiet', ...flags, `file://${source}`, judge]);
      for (const version of [0, 2]) {
        const target = await clone(service, name, [...flags, '-c', `protocol.version=${version}`]);
        fsck(target);
        expect(storedObjects(target)).toEqual(storedObjects(judge));
      }
    }
  });
});

test.each(['plain.git', 'bitmapped.git'])(
  'with a sparse checkout, and what is new later: %s',
  async (name) => {
    const source = path.join(temporaryDirectory(), name);
    fs.cpSync(path.join(root, name), source, { recursive: true });
    const copied = await startService(path.dirname(source));
    const filter = '--filter=sparse:oid=main:patterns';
    const target = await clone(copied, name, [filter, '--no-checkout']);
    await gitIn(target, ['sparse-checkout', 'set', '--no-cone', '/d1/', '/same']);
    const objects = storedObjects(target);
    await gitIn(target, ['checkout', '--quiet', 'main']);
    expect(fs.readdirSync(target).sort()).toEqual(['.git', 'd1', 'same']);
    expect(storedObjects(target)).toEqual(objects); // all of it was there
    addCommit(source, 'main', { 'd1/new': 'new in d1', 'd2/new': 'new in d2', 'd1/e/same': 'x' });
    await gitIn(target, ['pull', '--quiet']);
    expect(fs.readFileSync(path.join(target, 'd1/new'), 'utf8')).toBe('new in d1');
    const missing = await gitIn(target, ['rev-list', '--objects', '--missing=print', 'main^!']);
    expect(missing).toContain(`?${git(source, ['rev-parse', 'main:d2/new'])}`);
    expect(missing.match(/^\?/gm)).toHaveLength(1);
    fsck(target);
  },
);

test('a client is told what it may not filter by, and which patterns are not there', async () => {
  const source = path.join(root, 'banned.git');
  fs.cpSync(path.join(root, 'plain.git'), source, { recursive: true });
  git(source, ['config', 'uploadpackfilter.blob:none.allow', 'false']);
  git(source, ['config', 'uploadpackfilter.tree.maxDepth', '1']);
  const refused = async (...specs: string[]) => {
    const flags = specs.map((spec) => `--filter=${spec}`);
    return runGit(temporaryDirectory(), ['clone', '--bare', ...flags, `${service.url}/banned.git`, 'clone']);
  };
  const banned = "fatal: remote error: filter 'blob:none' not supported\n";
  expect(await refused('blob:none')).toMatchObject({ code: 128, stderr: expect.stringContaining(banned) });
  expect(await refused('tree:1', 'blob:none')).toMatchObject({ stderr: expect.stringContaining(banned) });
  const deep = 'fatal: remote error: tree filter allows max depth 1, but got 2\n';
  expect(await refused('tree:2')).toMatchObject({ code: 128, stderr: expect.stringContaining(deep) });
  const { code, stderr } = await refused('sparse:oid=main:nothing');
  expect(code).toBe(128);
  expect(stderr).toContain("remote: unable to access sparse blob in 'main:nothing'");
  expect(stderr).not.toContain('corruption');
});
