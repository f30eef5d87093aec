/** Shallow and partial clones of made-up repositories: git gets from Packhorse what it gets from git. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { refsOf, storedObjects } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { runGit } from '../support/git.ts';
import { arbitraryRepository, buildRepository, type TestRepository } from './repositories.ts';
import { seedOfProof } from './seed.ts';

const root = temporaryDirectory();
const repositories = fc
  .sample(
    arbitraryRepository.filter(
      ({ steps, shallow, config }) =>
        // Of tags that are hidden, git sends some all the same.
        steps.length > 3 && shallow.length === 0 && !config.includes('transfer.hideRefs=refs/tags'),
    ),
    { seed: seedOfProof(), numRuns: 6 },
  )
  .map((plan, i) => {
    const config = plan.config.filter((line) => !line.startsWith('uploadpackfilter.'));
    return buildRepository(root, `${i}.git`, { ...plan, config: [...config, 'uploadpack.allowFilter=true'] });
  });
let uploadPack: string;

beforeAll(() => {
  uploadPack = `${process.execPath} ${buildExecutable()} upload-pack`;
});

/** What became of a clone: what git ended with, and what lies there. */
interface Clone {
  readonly code: number;
  readonly refs: readonly string[];
  readonly shallow: readonly string[];
  readonly objects: readonly string[];
}

async function cloneFrom({ directory }: TestRepository, flags: readonly string[], more: readonly string[][]) {
  const clone = async (options: readonly string[]): Promise<Clone> => {
    const target = path.join(temporaryDirectory(), 'clone');
    const source = `file://${directory}`;
    let { code } = await runGit(root, [
      'clone',
      '--mirror',
      '--no-single-branch',
      ...options,
      ...flags,
      source,
      target,
    ]);
    for (const args of code === 0 ? more : [])
      ({ code } = await runGit(target, ['fetch', ...options, ...args]));
    if (!fs.existsSync(target)) return { code, refs: [], shallow: [], objects: [] };
    const file = path.join(target, 'shallow');
    const shallow = fs.existsSync(file) ? fs.readFileSync(file, 'latin1').split('\n').sort() : [];
    return { code, refs: refsOf(target), shallow, objects: storedObjects(target) };
  };
  const [ours, gits] = await Promise.all([clone(['--upload-pack', uploadPack]), clone([])]);
  expect(ours, `${directory} ${flags}`).toEqual(gits);
  return gits;
}

describe('shallow', () => {
  test.each([
    [1, []],
    [3, []],
    // This is what `--unshallow` asks for, which refuses where the clone is whole.
    [2, [['--depth=2147483647']]],
    [1, [['--depth=4'], ['--depth=2']]],
  ])('--depth=%i, then %j', async (depth, more) => {
    for (const repository of repositories) {
      const { code } = await cloneFrom(repository, [`--depth=${depth}`], more);
      expect(code).toBe(0);
    }
  });

  test('--shallow-since', async () => {
    for (const repository of repositories) {
      const { graph } = repository;
      const dates = graph
        .ofType('commit')
        .map((oid) => graph.get(oid)!.date)
        .sort();
      for (const date of [dates[0], dates[dates.length >> 1], dates.at(-1)]) {
        await cloneFrom(repository, [`--shallow-since=@${date}`], []);
      }
    }
  });

  test('--shallow-exclude', async () => {
    for (const repository of repositories) {
      const branches = [...repository.visible.keys()].filter((name) => name.startsWith('refs/heads/'));
      for (const name of branches.slice(0, 4)) await cloneFrom(repository, [`--shallow-exclude=${name}`], []);
    }
  });
});

test.each([
  'blob:none',
  'blob:limit=700',
  'tree:0',
  'tree:2',
  'object:type=commit',
  'combine:tree:2+blob:none',
  'combine:object:type=blob+blob:limit=800',
])('--filter=%s', async (filter) => {
  for (const repository of repositories) {
    // Of trees that tags name stock git loses some (docs/differences.md), so no tags are asked for.
    const { code } = await cloneFrom(repository, ['--no-tags', '--single-branch', `--filter=${filter}`], []);
    expect(code).toBe(0);
  }
});
