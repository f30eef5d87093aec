/** Shallow clones and fetches. The judge is stock git: it does the same over `file://`. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameBranches, gitIn, refsOf } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git, reachableObjects, runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const EVERYTHING = '+refs/heads/*:refs/remotes/origin/*';
let service: RunningService;

beforeAll(async () => {
  service = await startService(root);
});

/** A line of 12 commits with two merges, a side branch, an old branch and tags. */
function createSource(name: string): string {
  const source = createRepository(root, name);
  const history = new History();
  const line = [history.commit({ branch: 'main', files: { a: '0' } })];
  const next = (merge: string[] = []) => {
    const n = line.length;
    line.push(
      history.commit({ branch: 'main', from: line.at(-1)!, merge, files: { a: `${n}`, [`d/${n}`]: `${n}` } }),
    );
  };
  for (let n = 0; n < 4; n++) next();
  const side = history.commit({ branch: 'side', from: line[2], files: { side: '1' } });
  const side2 = history.commit({ branch: 'side', from: side, files: { side: '2' } });
  next([side2]);
  for (let n = 0; n < 3; n++) next();
  const root2 = history.commit({ branch: 'unrelated', files: { u: 'u' } });
  next([root2]);
  for (let n = 0; n < 3; n++) next();
  history.commit({ branch: 'old', from: line[1], files: { old: '1' } });
  history.tag('v1', line[3]);
  history.tag('v2', line.at(-1)!);
  history.ref('refs/tags/light', side);
  history.importInto(source);
  return source;
}

/** Two clones of one repository, by Packhorse and by stock git, which get the same commands. */
class Pair {
  readonly ours: string;
  readonly judge: string;

  private constructor(ours: string, judge: string) {
    this.ours = ours;
    this.judge = judge;
  }

  static async clone(source: string, flags: readonly string[]): Promise<Pair> {
    const parent = temporaryDirectory();
    const judge = path.join(parent, 'judge');
    const result = await runGit(parent, ['clone', ...flags, `file://${source}`, judge]);
    if (result.code !== 0) throw new Error(result.stderr);
    const pair = new Pair(await clone(service, path.relative(root, source), flags), judge);
    pair.expectEqual();
    return pair;
  }

  async run(...args: string[]): Promise<void> {
    await gitIn(this.judge, args);
    await gitIn(this.ours, args);
    this.expectEqual();
  }

  expectEqual(): void {
    fsck(this.ours);
    expect(refsOf(this.ours)).toEqual(refsOf(this.judge));
    expect(shallowOf(this.ours)).toEqual(shallowOf(this.judge));
    expect(reachableObjects(this.ours)).toEqual(reachableObjects(this.judge));
  }
}

function shallowOf(directory: string): string[] {
  const file = path.resolve(directory, git(directory, ['rev-parse', '--git-path', 'shallow']));
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split('\n').sort() : [];
}

/** Two more commits on `main`, one of which brings a branch of its own in. */
function addCommits(source: string, minute: number): void {
  const history = new History(minute);
  const topic = history.commit({
    branch: 'topic',
    from: 'refs/heads/main~2',
    files: { topic: `${minute}` },
  });
  history.commit({ branch: 'main', from: 'refs/heads/main^0', files: { new: `${minute}` } });
  history.commit({ branch: 'main', merge: [topic], files: { topic: `${minute}` } });
  history.importInto(source, true);
}

test('--depth 1, then deeper, then --unshallow', async () => {
  const source = createSource('steps.git');
  const pair = await Pair.clone(source, ['--depth=1']);
  expect(shallowOf(pair.ours)).toHaveLength(1);
  await pair.run('fetch', '--depth=3');
  await pair.run('fetch', '--depth=7');
  await pair.run('fetch', '--unshallow');
  expect(shallowOf(pair.ours)).toEqual([]);
  expect(git(pair.ours, ['rev-list', 'origin/main'])).toBe(git(source, ['rev-list', 'main']));
});

test('--deepen counts from where history ends', async () => {
  const pair = await Pair.clone(createSource('relative.git'), ['--depth=2']);
  await pair.run('fetch', '--deepen=1');
  await pair.run('fetch', '--deepen=3');
  await pair.run('fetch', '--deepen=100');
});

test.each([1, 2, 3, 4, 5, 6, 8, 9, 12, 13, 100])('all branches, --depth %i', async (depth) => {
  const source = path.join(root, 'branches.git');
  if (!fs.existsSync(source)) createSource('branches.git');
  await Pair.clone(source, [`--depth=${depth}`, '--no-single-branch']);
});

test('all branches, deepened and made whole', async () => {
  const source = createSource('all.git');
  const pair = await Pair.clone(source, ['--depth=1', '--no-single-branch']);
  await pair.run('fetch', '--depth=2');
  await pair.run('fetch', '--depth=4');
  await pair.run('fetch', '--unshallow');
  expectSameBranches(source, pair.ours);
});

test('history is cut shorter again', async () => {
  const pair = await Pair.clone(createSource('shorter.git'), ['--depth=8']);
  await pair.run('fetch', '--depth=2');
  await pair.run('fetch', '--depth=5');
});

test('new commits into a shallow clone, with and without a depth', async () => {
  const source = createSource('new.git');
  const pair = await Pair.clone(source, ['--depth=2']);
  addCommits(source, 100);
  await pair.run('fetch');
  addCommits(source, 200);
  await pair.run('fetch', '--depth=1');
  addCommits(source, 300);
  await pair.run('fetch', '--depth=2', 'origin', EVERYTHING);
  addCommits(source, 400);
  await pair.run('fetch', 'origin', EVERYTHING);
  await pair.run('fetch', '--unshallow', 'origin', EVERYTHING);
  expect(git(pair.ours, ['rev-list', 'origin/main'])).toBe(git(source, ['rev-list', 'main']));
});

test('a tag, and a tag alone', async () => {
  const source = createSource('tags.git');
  await Pair.clone(source, ['--depth=1', '--branch=v1']);
  const pair = await Pair.clone(source, ['--depth=1', '--no-tags']);
  await pair.run('fetch', '--depth=1', 'origin', 'tag', 'v1');
  await pair.run('fetch', '--depth=2', '--tags', 'origin');
});

test('a client that is not shallow asks for a depth', async () => {
  const source = createSource('whole.git');
  const pair = await Pair.clone(source, ['--single-branch', '--branch=old', '--no-tags']);
  await pair.run('fetch', '--depth=2', 'origin', '+main:refs/remotes/origin/main');
  await pair.run('fetch', '--unshallow', 'origin', '+main:refs/remotes/origin/main');
});

test('a server whose own history is shallow', async () => {
  const origin = createSource('origin.git');
  const source = path.join(root, 'shallow-server.git');
  git(root, ['clone', '--quiet', '--bare', '--depth=3', '--no-single-branch', `file://${origin}`, source]);
  const pair = await Pair.clone(source, ['--no-single-branch']);
  expect(shallowOf(pair.ours).length).toBeGreaterThan(1);
  await Pair.clone(source, ['--depth=2']);
  await Pair.clone(source, ['--depth=3']);
  await Pair.clone(source, ['--depth=6', '--no-single-branch']);
  const deeper = await Pair.clone(source, ['--depth=1']);
  await deeper.run('fetch', '--depth=2');
  await deeper.run('fetch', '--depth=2147483646');
});

test('stored as deltas whose bases lie beyond the boundary', async () => {
  const source = createRepository(root, 'deltas.git');
  const history = new History();
  const text = (n: number) =>
    Array.from({ length: 100 }, (_, i) => `${i} ${i === n ? 'changed' : ''}\n`).join('');
  for (let n = 0; n < 40; n++) history.commit({ branch: 'main', files: { text: text(n) } });
  history.importInto(source);
  git(source, ['repack', '-adf', '--quiet', '--window=50', '--depth=50']);
  const pair = await Pair.clone(source, ['--depth=5']);
  await pair.run('fetch', '--depth=10');
  await pair.run('fetch', '--depth=17');
  await pair.run('fetch', '--unshallow');
});
