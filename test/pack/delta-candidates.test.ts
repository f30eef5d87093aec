/** The order in which bases are tried: what is youngest of the client's first. */
import { expect, test } from 'vitest';
import { CommitSource } from '../../src/pack/commit-source.ts';
import { DeltaCandidates } from '../../src/pack/delta-candidates.ts';
import { Marks } from '../../src/pack/marks.ts';
import { Pace } from '../../src/pack/pace.ts';
import { walkCommits } from '../../src/pack/walk-commits.ts';
import { BLOB } from '../../src/repository/object-format.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { initBare } from '../repository/history.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git } from '../support/git.ts';

test('of the bases of a path, the first added stands next to the targets', () => {
  const candidates = new DeltaCandidates();
  for (const number of [7, 3, 9]) candidates.addBase(number, BLOB, 1);
  candidates.addTarget(5, BLOB, 1, 100, -1, 0);
  const order = [...candidates.sorted()].map((place) => candidates.number(place));
  expect(order).toEqual([9, 3, 7, 5]);
});

test('trees at the edge of what the client has come youngest first', async () => {
  const directory = temporaryDirectory();
  initBare(directory);
  const trees: string[] = [];
  const commit = (day: number, parents: string[]) => {
    const blob = git(directory, ['hash-object', '-w', '--stdin'], { input: String(day) }).trim();
    const tree = git(directory, ['mktree'], { input: `100644 blob ${blob}\tday\n` }).trim();
    trees[day] = tree;
    const date = `2020-01-${String(day).padStart(2, '0')}T00:00:00Z`;
    const names = parents.flatMap((parent) => ['-p', parent]);
    const env = { ...GIT_ENVIRONMENT, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    return git(directory, ['commit-tree', tree, '-m', 'x', ...names], { env }).trim();
  };
  const had = [4, 9, 2, 7].map((day) => commit(day, []));
  const wanted = commit(12, had);
  const repository = Repository.open(directory, new RepositoryCaches());
  const { objects } = repository;
  const { view } = objects;
  const found = await walkCommits(
    new CommitSource(objects),
    [view.findHex(wanted)],
    had.map((id) => view.findHex(id)),
    new Marks(view),
    new Pace(),
    () => {},
  );
  expect(found.edgeTrees.map((number) => view.hex(number))).toEqual([9, 7, 4, 2].map((day) => trees[day]));
  repository.close();
});
