/** The bitmaps of repositories that only a newer git can write: of every commit, what git finds by walking. */
import { expect, test } from 'vitest';
import { NumberSet } from '../../src/repository/number-set.ts';
import { type ObjectType, TYPE_NAMES } from '../../src/repository/object-format.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture, FIXTURE_NAMES } from '../support/fixtures.ts';
import { git } from '../support/git.ts';

/** Debian's git does not know all of these files, and needs none of them. */
const PLAIN = ['-c', 'core.multiPackIndex=false', '-c', 'pack.useBitmaps=false'];

test.each(FIXTURE_NAMES)('%s: every commit with a bitmap, every type', (name) => {
  const directory = copyFixture(temporaryDirectory(), name);
  const repository = Repository.open(directory, new RepositoryCaches());
  const { objects } = repository;
  const reachability = inOneGo(repository.reachability());
  const { view } = objects;
  const hex = (set: NumberSet) => [...set.toArray()].map((number) => view.hex(number)).sort();
  let bitmaps = 0;
  for (const commit of git(directory, [...PLAIN, 'rev-list', '--all']).split('\n')) {
    const set = new NumberSet(view);
    const number = view.findHex(commit);
    if (!reachability?.has(number)) continue;
    inOneGo(reachability.addReachable(number, set));
    bitmaps++;
    const reached = git(directory, [...PLAIN, 'rev-list', '--objects', '--no-object-names', commit]);
    expect(hex(set)).toEqual(reached.split('\n').sort());
  }
  expect(bitmaps).toBeGreaterThan(20);
  for (const type of [1, 2, 3, 4] satisfies ObjectType[]) {
    const set = new NumberSet(view);
    inOneGo(reachability!.addType(type, set));
    const of = [...set.toArray()].map((number) => objects.header(number).type);
    expect(of, TYPE_NAMES[type]).toEqual(of.map(() => type));
    expect(of.length).toBeGreaterThan(0);
  }
  expect(repository.indexProblems).toEqual([]);
  repository.close();
});
