/** Clones of repositories of every shape, made by the real git and compared with their source. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import {
  clone,
  expectSameBranches,
  expectSameRepository,
  headOf,
  refsOf,
  storedObjects,
} from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git, reachableObjects } from '../support/git.ts';
import { createRepository, History, latin1, noise, packsOf } from '../support/history.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  service = await startService(root);
});

/** A few commits with a merge, branches and tags. */
function smallHistory(): History {
  const history = new History();
  const first = history.commit({ branch: 'main', files: { 'a.txt': 'a\n', 'dir/b.txt': 'b\n' } });
  const side = history.commit({ branch: 'side', from: first, files: { 'dir/c.txt': 'c\n' } });
  const second = history.commit({ branch: 'main', files: { 'a.txt': 'a\na\n' } });
  history.commit({ branch: 'main', from: second, merge: [side], files: { 'dir/c.txt': 'c\n' } });
  history.tag('v1', second);
  history.ref('refs/tags/light', first);
  return history;
}

async function expectClone(name: string): Promise<string> {
  const mirror = await clone(service, name);
  expectSameRepository(path.join(root, name), mirror);
  return mirror;
}

test('an empty repository: the name of the unborn branch is kept', async () => {
  const source = createRepository(root, 'empty.git');
  git(source, ['symbolic-ref', 'HEAD', 'refs/heads/trunk']);
  const mirror = await clone(service, 'empty.git', ['--bare']);
  expect(git(mirror, ['symbolic-ref', 'HEAD'])).toBe('refs/heads/trunk');
  expect(refsOf(mirror)).toEqual([]);
});

test('one commit, checked out', async () => {
  const source = createRepository(root, 'one.git');
  const history = new History();
  history.commit({ branch: 'main', files: { 'README.md': 'hello\n' } });
  history.importInto(source, true);
  const work = await clone(service, 'one.git', []);
  expectSameBranches(source, work);
  expect(fs.readFileSync(path.join(work, 'README.md'), 'utf8')).toBe('hello\n');
  expect(git(work, ['symbolic-ref', 'HEAD'])).toBe('refs/heads/main');
});

test('branches, a merge and tags, with remote-tracking branches', async () => {
  const source = createRepository(root, 'small.git');
  smallHistory().importInto(source);
  expectSameBranches(source, await clone(service, 'small.git', []));
  await expectClone('small.git');
});

test.each(['side', 'main'])('only the branch %s is asked for', async (branch) => {
  const name = `single-${branch}.git`;
  const source = createRepository(root, name);
  smallHistory().importInto(source);
  const work = await clone(service, name, ['--single-branch', '--branch', branch, '--no-tags']);
  fsck(work);
  const expected = git(source, ['rev-list', '--objects', '--no-object-names', branch]).split('\n');
  // Even with --no-tags git asks for the tags of what it gets.
  if (branch === 'main') expected.push(git(source, ['rev-parse', 'v1']));
  expect(storedObjects(work)).toEqual(expected.sort());
});

test('paths: below groups, without .git, with a slash at the end, a work tree', async () => {
  const source = createRepository(root, 'group/sub/name.git');
  smallHistory().importInto(source);
  for (const url of ['group/sub/name.git', 'group/sub/name', 'group/sub/name.git/']) {
    expectSameRepository(source, await clone(service, url));
  }
  const work = path.join(root, 'work');
  git(root, ['clone', '--quiet', source, work]);
  for (const url of ['work', 'work/.git']) expectSameRepository(work, await clone(service, url));
});

test('a path with a space and letters beyond ASCII', async () => {
  const source = createRepository(root, 'größe ☃/a b.git');
  smallHistory().importInto(source);
  expectSameRepository(source, await clone(service, `${encodeURIComponent('größe ☃')}/a%20b.git`));
});

test('tags of tags, tags of a blob and of a tree', async () => {
  const source = createRepository(root, 'tags.git');
  smallHistory().importInto(source);
  const annotate = (name: string, object: string) => git(source, ['tag', '-a', '-m', name, name, object]);
  annotate('outer', 'v1');
  annotate('outermost', 'outer');
  annotate('blob', 'main:a.txt');
  annotate('tree', 'main:dir');
  git(source, ['update-ref', 'refs/tags/light-tree', git(source, ['rev-parse', 'side:dir'])]);
  // A blob that nothing but its tag reaches.
  const lonely = git(source, ['hash-object', '-w', '--stdin'], { input: 'lonely\n' });
  annotate('lonely', lonely);
  const mirror = await expectClone('tags.git');
  expect(git(mirror, ['cat-file', 'blob', 'lonely^{}'])).toBe('lonely');
  expectSameBranches(source, await clone(service, 'tags.git', []));
});

test('submodule entries lead nowhere', async () => {
  const source = createRepository(root, 'submodule.git');
  const history = new History();
  history.commit({
    branch: 'main',
    files: { '.gitmodules': '[submodule "lib"]\n\tpath = lib\n\turl = ../lib\n' },
    submodules: { lib: '1234567890123456789012345678901234567890' },
  });
  history.importInto(source);
  await expectClone('submodule.git');
});

test('a detached HEAD that no branch reaches', async () => {
  const source = createRepository(root, 'detached.git');
  smallHistory().importInto(source);
  const tree = git(source, ['rev-parse', 'side^{tree}']);
  const lost = git(source, ['commit-tree', '-p', 'side', '-m', 'detached', tree]);
  git(source, ['update-ref', '--no-deref', 'HEAD', lost]);
  // A clone into a work tree checks HEAD out; a mirror asks for refs/* alone.
  const work = await clone(service, 'detached.git', []);
  expect(git(work, ['rev-parse', 'HEAD'])).toBe(lost);
  expectSameBranches(source, work);
});

test('file names in every encoding, modes, an empty file, a symbolic link', async () => {
  const source = createRepository(root, 'names.git');
  const history = new History();
  history.commit({
    branch: 'main',
    files: {
      'plain name': '1',
      'emoji 🐴 dir/ünïcode': '2',
      'new\nline': '3',
      '"quoted" \\back': '4',
      'tab\there': '5',
      empty: '',
      [latin1('caf\xe9/\xff\xfe')]: '6',
      [latin1('\x01\x7f\x80')]: '7',
      'dir.x': 'sorts before dir/',
      'dir/y': 'y',
      dir0: 'sorts after dir/',
    },
  });
  history.importInto(source);
  const link = git(source, ['hash-object', '-w', '--stdin'], { input: 'empty' });
  const script = git(source, ['hash-object', '-w', '--stdin'], { input: '#!/bin/sh\n' });
  const tree = git(source, ['mktree', '-z'], {
    input: `120000 blob ${link}\tlink\x00100755 blob ${script}\trun\x00`,
  });
  git(source, ['update-ref', 'refs/heads/modes', git(source, ['commit-tree', '-m', 'modes', tree])]);
  const mirror = await expectClone('names.git');
  const list = (directory: string) => git(directory, ['ls-tree', '-r', '-z', 'main']);
  expect(list(mirror)).toBe(list(source));
});

test('names of refs with unusual bytes, at several depths', async () => {
  const source = createRepository(root, 'refs.git');
  smallHistory().importInto(source);
  const main = git(source, ['rev-parse', 'main']);
  const names = [
    'refs/heads/caf\xe9',
    'refs/heads/\xf0\x9f\x90\xb4',
    'refs/heads/a"b',
    'refs/heads/a%20b',
    'refs/heads/#{x}',
    'refs/heads/deep/er/and/deep/er',
    'refs/tags/\xff',
    'refs/notes/commits',
    'refs/replace-me/x',
    "refs/weird/!$&'()+,;=<>|",
  ];
  const create = (name: string) => Buffer.from(`create ${name} ${main}\n`, 'latin1');
  git(source, ['update-ref', '--stdin'], { input: Buffer.concat(names.map(create)) });
  const mirror = await expectClone('refs.git');
  expect(refsOf(mirror)).toContain(`${main} refs/heads/caf\xe9`);
  git(source, ['pack-refs', '--all']);
  await expectClone('refs.git');
});

test('packed and loose refs side by side, loose ones winning, a symbolic ref, broken ones left out', async () => {
  const source = createRepository(root, 'mixed-refs.git');
  smallHistory().importInto(source);
  for (let i = 0; i < 50; i++) git(source, ['update-ref', `refs/heads/packed/${i}`, 'main']);
  git(source, ['pack-refs', '--all']);
  git(source, ['update-ref', 'refs/heads/packed/7', 'side']);
  git(source, ['update-ref', '-d', 'refs/heads/packed/8']);
  git(source, ['update-ref', 'refs/heads/loose', 'side']);
  git(source, ['symbolic-ref', 'refs/heads/alias', 'refs/heads/packed/9']);
  await expectClone('mixed-refs.git');
  fs.writeFileSync(path.join(source, 'refs/heads/broken'), `${'0'.repeat(40)}\n`);
  fs.writeFileSync(path.join(source, 'refs/heads/lost'), `${'1'.repeat(40)}\n`);
  fs.writeFileSync(path.join(source, 'refs/heads/dangling'), 'ref: refs/heads/nowhere\n');
  fs.writeFileSync(path.join(source, 'refs/heads/x.lock'), '');
  const mirror = await clone(service, 'mixed-refs.git');
  fsck(mirror);
  expect(refsOf(mirror).some((line) => /broken|lost|dangling|lock/.test(line))).toBe(false);
  expect(refsOf(mirror)).toHaveLength(49 + 4 + 1 + 1);
});

test('hidden refs are not shown, and what only they reach is not sent', async () => {
  const source = createRepository(root, 'hidden.git');
  smallHistory().importInto(source);
  const secret = git(source, ['commit-tree', '-m', 'secret', git(source, ['rev-parse', 'main^{tree}'])]);
  git(source, ['update-ref', 'refs/internal/secret', secret]);
  git(source, ['update-ref', 'refs/internal/shown/x', 'main']);
  git(source, ['config', 'transfer.hideRefs', 'refs/internal']);
  git(source, ['config', '--add', 'transfer.hideRefs', '!refs/internal/shown']);
  const mirror = await clone(service, 'hidden.git');
  fsck(mirror);
  expect(refsOf(mirror)).toEqual(refsOf(source).filter((line) => !line.endsWith('/secret')));
  expect(reachableObjects(mirror)).not.toContain(secret);
  expect(() => git(mirror, ['cat-file', '-e', secret])).toThrow();
});

test('objects borrowed from alternates, over two steps', async () => {
  const base = createRepository(root, 'pool/base.git');
  smallHistory().importInto(base);
  const middle = path.join(root, 'pool/middle.git');
  git(root, ['clone', '--quiet', '--bare', '--shared', base, middle]);
  const source = path.join(root, 'fork.git');
  git(root, ['clone', '--quiet', '--bare', '--shared', middle, source]);
  const history = new History(100);
  history.commit({ branch: 'own', from: git(base, ['rev-parse', 'main']), files: { 'own.txt': 'own\n' } });
  history.importInto(source, true);
  expect(packsOf(source)).toEqual([]);
  await expectClone('fork.git');
  // Relative to the objects directory, as forges write it.
  fs.writeFileSync(path.join(source, 'objects/info/alternates'), '# pool\n../../pool/base.git/objects\n');
  await expectClone('fork.git');
});

test('a SHA-256 repository', async () => {
  const source = createRepository(root, 'sha256.git', ['--object-format=sha256']);
  smallHistory().importInto(source);
  git(source, ['tag', '-a', '-m', 'tag', 'annotated', 'main']);
  const mirror = await expectClone('sha256.git');
  expect(headOf(mirror)).toBe('refs/heads/main');
  expect(reachableObjects(mirror)[0]).toHaveLength(64);
});

test('trees 200 directories deep, the empty tree, and a commit with many parents', async () => {
  const source = createRepository(root, 'shapes.git');
  const history = new History();
  const tips = Array.from({ length: 20 }, (_, i) =>
    history.commit({ branch: `b${i}`, files: { [`f${i}`]: noise(100, i) } }),
  );
  history.commit({ branch: 'main', from: tips[0], merge: tips.slice(1) });
  history.commit({ branch: 'main', files: { [`${'d/'.repeat(200)}f`]: 'deep\n' } });
  history.commit({ branch: 'nothing' });
  history.importInto(source);
  await expectClone('shapes.git');
});
