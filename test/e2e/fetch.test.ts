/** Fetches into repositories that have something already. */
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameHistory, gitIn, refsOf, storedObjects } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git, reachableObjects } from '../support/git.ts';
import { applySteps, blobId, type DeltaStep, storeHandmadePack } from '../support/handmade-pack.ts';
import { commitBlobs, createRepository, History, noise, packsOf } from '../support/history.ts';
import { hasPack, requestsDuring } from '../support/request-log.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  service = await startService(root);
});

const TIP = 'refs/heads/main^0';

/** A repository whose trees are large enough that thin packs pay. */
function createSource(name: string): string {
  const source = createRepository(root, name);
  const history = new History();
  for (let n = 0; n < 30; n++) history.commit({ branch: 'main', files: manyFiles(n) });
  history.commit({ branch: 'other', from: ':10', files: { other: 'other\n' } });
  history.importInto(source);
  return source;
}

function manyFiles(n: number): Record<string, string> {
  const files: Record<string, string> = { changing: `${n}\n` };
  if (n === 0) for (let i = 0; i < 200; i++) files[`dir${i % 4}/${i}`] = noise(40, i).toString('hex');
  else files[`dir${n % 4}/${n}`] = `${n} is changed\n`;
  return files;
}

/** Commits of four new objects each on a branch of the source, a few minutes after everything else. */
function addCommits(source: string, minute: number, branch = 'main', count = 3, from = TIP): void {
  const history = new History(minute);
  for (let n = 0; n < count; n++) {
    history.commit({
      branch,
      files: { [`new/${branch}${minute + n}`]: `${branch} ${minute + n}\n` },
      from: n === 0 ? from : '',
    });
  }
  history.importInto(source, true);
}

/** Fetches into a mirror, compares, and gives the lines logged about the fetch requests. */
async function fetchMirror(source: string, mirror: string) {
  const lines = await requestsDuring(service, () => gitIn(mirror, ['fetch', '--prune', '--quiet', 'origin']));
  expectSameHistory(source, mirror);
  return lines.filter(({ command }) => command === 'fetch');
}

test('new commits on several branches', async () => {
  const source = createSource('branches.git');
  const mirror = await clone(service, 'branches.git');
  addCommits(source, 100);
  addCommits(source, 200, 'other', 3, 'refs/heads/other^0');
  addCommits(source, 300, 'third', 2);
  const before = storedObjects(mirror).length;
  const lines = await fetchMirror(source, mirror);
  const sent = lines.find(hasPack)!.statistics;
  expect(sent.kind).toBe('fetch');
  expect(sent.objects.total).toBe(storedObjects(mirror).length - before);
  expect(sent.objects.total).toBeLessThan(50);
});

test('nothing is new: no pack is asked for', async () => {
  createSource('nothing.git');
  const mirror = await clone(service, 'nothing.git');
  const lines = await requestsDuring(
    service,
    () => gitIn(mirror, ['fetch', 'origin']),
    ({ command }) => command === 'ls-refs',
  );
  expect(lines.map(({ command }) => command)).toEqual(['advertise', 'ls-refs']);
});

test('a client with many commits of its own: negotiation takes several requests', async () => {
  const source = createSource('rounds.git');
  const work = await clone(service, 'rounds.git', []);
  const own = new History(10_000);
  for (let n = 0; n < 300; n++) {
    own.commit({ branch: `own${n % 3}`, files: { own: `${n}` }, from: n < 3 ? 'refs/heads/main^0' : '' });
  }
  own.importInto(work);
  addCommits(source, 100);
  const before = storedObjects(work).length;
  const lines = await requestsDuring(service, () => gitIn(work, ['fetch', 'origin']));
  const fetches = lines.filter(({ command }) => command === 'fetch');
  // Rounds without a pack, then one with it; every request says again what is known to be common.
  expect(fetches.length).toBeGreaterThanOrEqual(3);
  expect(fetches.slice(0, -1).every((line) => line.statistics.kind === 'none')).toBe(true);
  const { statistics } = fetches.at(-1)!;
  expect(statistics).toMatchObject({ kind: 'fetch' });
  expect(statistics.common).toBeGreaterThan(0);
  expect(storedObjects(work).length - before).toBe(statistics.objects.total);
  fsck(work);
  expect(git(work, ['rev-parse', 'origin/main'])).toBe(git(source, ['rev-parse', 'main']));
});

test('histories without anything in common', async () => {
  const source = createSource('unrelated.git');
  const own = createRepository(root, 'own-history.git');
  const history = new History(50_000);
  for (let n = 0; n < 50; n++) history.commit({ branch: 'mine', files: { mine: `${n}` } });
  history.importInto(own);
  const url = `${service.url}/unrelated.git`;
  const lines = await requestsDuring(service, () => gitIn(own, ['fetch', url, 'refs/heads/*:refs/theirs/*']));
  expect(lines.find(hasPack)!.statistics).toMatchObject({ common: 0, kind: 'clone' });
  fsck(own);
  expect(git(own, ['rev-parse', 'refs/theirs/main'])).toBe(git(source, ['rev-parse', 'main']));
});

test('histories that went apart: the branch was rewritten', async () => {
  const source = createSource('diverged.git');
  const mirror = await clone(service, 'diverged.git');
  git(source, ['update-ref', 'refs/heads/main', 'main~5']);
  addCommits(source, 400);
  const [line] = (await fetchMirror(source, mirror)).filter(hasPack);
  expect(line.statistics.objects.total).toBeLessThan(20);
});

test('files and directories that moved', async () => {
  const source = createSource('moved.git');
  const mirror = await clone(service, 'moved.git');
  const history = new History(100);
  const moved = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [
      [`dir${i % 4}/${i}`, null],
      [`moved/deeper/${i}`, noise(40, i).toString('hex')],
    ]).flat(),
  );
  history.commit({ branch: 'main', from: TIP, files: moved });
  history.importInto(source, true);
  await fetchMirror(source, mirror);
  // Back again: every object is one that the client has seen.
  git(source, ['update-ref', 'refs/heads/main', commitLike(source, 'main~1', 'main')]);
  await fetchMirror(source, mirror);
});

/** A commit with the tree of one and another as its parent. */
function commitLike(source: string, tree: string, parent: string): string {
  return git(source, ['commit-tree', '-p', parent, '-m', 'again', `${tree}^{tree}`]);
}

test('thin packs: a delta is sent without its base, which the client has', async () => {
  const source = createRepository(root, 'thin.git');
  const base = noise(100_000, 1);
  const steps: DeltaStep[] = [{ copy: [0, 90_000] }, { insert: Buffer.from('new end') }];
  const tip = applySteps(base, steps);
  storeHandmadePack(source, [
    { type: 'blob', data: base },
    { base: blobId(base), baseSize: base.length, steps },
  ]);
  commitBlobs(source, 'main', { file: blobId(base) });
  const mirror = await clone(service, 'thin.git');
  commitBlobs(source, 'main', { file: blobId(tip) });
  const [line] = (await fetchMirror(source, mirror)).filter(hasPack);
  expect(line.statistics.objects).toMatchObject({ total: 3, delta: 1 });
  expect(line.statistics.bytes.total).toBeLessThan(1000);
});

test('new tags come along with what they point at', async () => {
  const source = createSource('tags.git');
  const work = await clone(service, 'tags.git', []);
  addCommits(source, 100);
  git(source, ['tag', '-a', '-m', 'inner', 'inner', 'main~1']);
  git(source, ['tag', '-a', '-m', 'outer', 'outer', 'inner']);
  git(source, ['tag', '-a', '-m', 'old', 'old', 'main~20']);
  const lines = await requestsDuring(service, () => gitIn(work, ['fetch', 'origin']));
  // The client asks for the tag of what it has; those of the new commits come without being asked for.
  const packs = lines.filter(hasPack);
  expect(packs).toHaveLength(1);
  expect(packs[0].statistics.wants).toBe(2);
  expect(packs[0].statistics.objects.total).toBe(3 * 4 + 3);
  fsck(work);
  const tags = (directory: string) => refsOf(directory).filter((line) => line.includes(' refs/tags/'));
  expect(tags(work)).toEqual(tags(source));
});

test('what changes between two requests is seen by the second: push, repack, pack-refs, gc, deletion', async () => {
  const source = createSource('changing.git');
  const mirror = await clone(service, 'changing.git');
  const pusher = await clone(service, 'changing.git', []);
  const changes: (() => void)[] = [
    () => addCommits(source, 100),
    () => {
      git(pusher, ['commit', '--quiet', '--allow-empty', '-m', 'pushed']);
      git(pusher, ['push', '--quiet', source, 'HEAD:refs/heads/pushed']);
    },
    () => git(source, ['repack', '-ad', '--quiet']),
    () => addCommits(source, 200, 'packed', 120),
    () => git(source, ['pack-refs', '--all']),
    () => git(source, ['update-ref', 'refs/heads/main', 'packed~5']),
    () => git(source, ['update-ref', '-d', 'refs/heads/pushed']),
    () => git(source, ['gc', '--quiet', '--prune=now']),
    () => addCommits(source, 500),
    () => git(source, ['symbolic-ref', 'refs/heads/link', 'refs/heads/main']),
  ];
  for (const change of changes) {
    change();
    await gitIn(mirror, ['fetch', '--prune', '--quiet', 'origin']);
    expectSameHistory(source, mirror);
  }
});

test('after a gc on the server a fetch still is incremental', async () => {
  const source = createSource('gc.git');
  const mirror = await clone(service, 'gc.git');
  addCommits(source, 100);
  git(source, ['gc', '--quiet', '--aggressive', '--prune=now']);
  expect(packsOf(source)).toHaveLength(1);
  const [line] = (await fetchMirror(source, mirror)).filter(hasPack);
  expect(line.statistics.objects.total).toBe(3 * 4);
});

test('a single object is asked for by its id', async () => {
  const source = createSource('by-id.git');
  const own = createRepository(root, 'by-id-client.git');
  const wanted = git(source, ['rev-parse', 'main~7']);
  await gitIn(own, ['fetch', `${service.url}/by-id.git`, `${wanted}:refs/heads/x`]);
  fsck(own);
  expect(reachableObjects(own)).toEqual(
    git(source, ['rev-list', '--objects', '--no-object-names', wanted]).split('\n').sort(),
  );
});
