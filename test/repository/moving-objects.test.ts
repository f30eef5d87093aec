/** Objects that a repack moves while a request looks for them. */
import { afterAll, expect, test } from 'vitest';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, reachableObjects } from '../support/git.ts';
import { initBare, makeHistory } from './history.ts';

const caches = new RepositoryCaches();
afterAll(() => caches.close());

test.each([
  ['a first pack', false],
  ['another pack', true],
])('loose objects that went into %s are found, and what was found keeps its number', (_, packed) => {
  const repository = temporaryDirectory();
  initBare(repository);
  makeHistory(repository, { commits: 5, files: 3, seed: 1 });
  if (packed) git(repository, ['repack', '-dq']);
  makeHistory(repository, { commits: 8, files: 3, seed: 2, branch: 'other' });
  const oids = reachableObjects(repository);
  const opened = Repository.open(repository, caches);
  const { view } = opened.objects;
  const before = oids.slice(0, oids.length / 2).map((oid) => view.findHex(oid));
  expect(before.some((number) => view.isLoose(number))).toBe(true);

  git(repository, ['repack', '-adq']);
  const numbers = oids.map((oid) => view.findHex(oid));
  expect(numbers.slice(0, before.length)).toEqual(before);
  expect(numbers.map((number) => view.hex(number))).toEqual(oids);
  for (const number of numbers) opened.objects.read(number);
  opened.close();
});
