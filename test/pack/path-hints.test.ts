import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { count } from '../../src/pack/count.ts';
import { Pace } from '../../src/pack/pace.ts';
import { extendNameHash, PathHints } from '../../src/pack/path-hints.ts';
import { BLOB, TREE } from '../../src/repository/object-format.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';

const PATHS = ['a', 'Makefile', 'src/a rather long name.c', 'src/deep/er/x', 'src/deep/er/ä\ttab.h', 'd/é'];

function hashOf(name: string): number {
  const bytes = Buffer.from(name);
  return extendNameHash(0, bytes, 0, bytes.length);
}

/** What git put into the name-hash cache of a bitmap: 32 bits an object, in the order of the index. */
function cachedHashes(repository: string): Map<string, number> {
  const directory = path.join(repository, 'objects/pack');
  const name = fs.readdirSync(directory).find((file) => file.endsWith('.bitmap'))!;
  const bitmap = fs.readFileSync(path.join(directory, name));
  const index = path.join(directory, name.replace('.bitmap', '.idx'));
  const ids = git(repository, ['show-index'], { input: fs.readFileSync(index) })
    .split('\n')
    .map((line) => line.split(' ')[1]);
  const from = bitmap.length - 20 - 4 * ids.length;
  return new Map(ids.map((id, i) => [id, bitmap.readUInt32BE(from + 4 * i)]));
}

it('hashes paths as git does', () => {
  const repository = createRepository(temporaryDirectory(), 'r');
  const history = new History();
  history.commit({ branch: 'main', files: Object.fromEntries(PATHS.map((name) => [name, `of ${name}`])) });
  history.importInto(repository);
  git(repository, ['-c', 'pack.writeBitmapHashCache=true', 'repack', '-adbq']);
  const hashes = cachedHashes(repository);
  for (const name of [...PATHS, 'src', 'src/deep/er']) {
    const id = git(repository, ['rev-parse', `main:${name}`]);
    expect([name, hashOf(name)]).toEqual([name, hashes.get(id)]);
  }
});

it('knows the paths of what is new, and what the client has there', async () => {
  const directory = createRepository(temporaryDirectory(), 'r');
  const history = new History();
  const old = { a: 'a1', b: 'b1', 'd/a': 'da1', 'd/b': 'db1', 'd/e/a': 'dea1', 'f/a': 'fa1' };
  history.commit({ branch: 'main', files: old });
  history.commit({ branch: 'main', files: { a: 'a2', 'd/a': 'da2', 'd/new': 'new' } });
  history.commit({ branch: 'main', files: { a: 'a3' } });
  history.importInto(directory);
  const repository = Repository.open(directory, new RepositoryCaches());
  const { view } = repository.objects;
  const number = (name: string) => view.findHex(git(directory, ['rev-parse', name]));
  const counted = await count(
    repository.objects,
    { wants: [number('main')], haves: [number('main~2')], grafts: new Set(), includeTags: [] },
    'absent',
    new Pace(),
    () => {},
  );
  const hints = counted.hints!;
  const fresh = { 'main:a': 'a', 'main~1:a': 'a', 'main:d/a': 'd/a', 'main:d/new': 'd/new', 'main:d': 'd' };
  for (const [name, at] of Object.entries(fresh)) {
    expect([name, hints.hash(number(name))]).toEqual([name, hashOf(at)]);
  }
  expect(hints.type(number('main:d'))).toBe(TREE);
  expect(hints.type(number('main:d/a'))).toBe(BLOB);
  expect(hints.type(number('main~2:b'))).toBeUndefined();
  const bases = [...hints.bases()].map((base) => [view.hex(base.number), base.hash, base.type]);
  const lent = (name: string, at: string, type: number) => [
    git(directory, ['rev-parse', `main~2${name}`]),
    hashOf(at),
    type,
  ];
  expect(new Set(bases)).toEqual(
    new Set([
      lent('^{tree}', '', TREE),
      lent(':a', 'a', BLOB),
      lent(':d', 'd', TREE),
      lent(':d/a', 'd/a', BLOB),
    ]),
  );
  repository.close();
});

it('keeps what was noted first, of any number of objects', () => {
  const hints = new PathHints();
  for (let i = 0; i < 5000; i++) hints.note(i * 64, i + 1, i % 2 === 0);
  for (let i = 0; i < 5000; i++) hints.note(i * 64, 7, true);
  for (let i = 0; i < 5000; i++) {
    expect([hints.hash(i * 64), hints.type(i * 64)]).toEqual([i + 1, i % 2 === 0 ? TREE : BLOB]);
    expect(hints.type(i * 64 + 1)).toBeUndefined();
  }
});
