/**
 * Each recommendation is carried out with git: then it is not made any more, and the dry run takes less. That it is
 * faster is told by what it counts (objects walked, commits opened, bytes), as no test may depend on the time it takes.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/explain/explain.ts';
import type { Recommendation, Report } from '../../src/explain/report.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, reachableObjects } from '../support/git.ts';
import { addCommit, createRepository, History } from '../support/history.ts';

const COMMITS = 600;

interface SourceOptions {
  readonly packs?: number;
  readonly commits?: number;
  readonly loose?: boolean;
}

/** A history on `main`, in so many packs. */
function createSource({ packs = 1, commits = COMMITS, loose = false }: SourceOptions = {}): string {
  const source = createRepository(temporaryDirectory(), 'source.git');
  for (let pack = 0; pack < packs; pack++) {
    const history = new History(pack * commits);
    for (let n = pack; n < commits; n += packs) {
      const from = pack > 0 && n === pack ? { from: 'refs/heads/main^0' } : {};
      history.commit({ branch: 'main', files: { [`file${n % 7}`]: `content ${n}\n`.repeat(9) }, ...from });
    }
    history.importInto(source, loose);
  }
  return source;
}

function findings({ recommendations }: Report): string[] {
  return recommendations.map(({ finding }) => finding);
}

/** What is recommended for a finding, which must be there. */
function adviceOn(finding: Recommendation['finding'], { recommendations }: Report): Recommendation {
  const found = recommendations.find((each) => each.finding === finding);
  expect(found, finding).toBeDefined();
  return found!;
}

/** Does what is recommended, and looks again: nothing more is said of that. */
async function follow(source: string, report: Report, finding: Recommendation['finding']): Promise<Report> {
  const { directory, command } = adviceOn(finding, report);
  git(directory, command);
  const after = await explain(source);
  expect(findings(after)).not.toContain(finding);
  return after;
}

const statisticsOf = ({ clone }: Report) => clone!.statistics;

describe('a repository without a bitmap', () => {
  it('gets one with its next repack: then nothing is walked', async () => {
    const source = createSource();
    const before = await explain(source);
    expect(adviceOn('bitmap', before).command).toEqual(['repack', '-adb']);
    expect(statisticsOf(before)).toMatchObject({ bitmap: 'absent', walked: 3 * COMMITS });
    const after = await follow(source, before, 'bitmap');
    expect(statisticsOf(after)).toMatchObject({ bitmap: 'used', walked: 0 });
    expect(after.clone!.bytes).toBeLessThanOrEqual(before.clone!.bytes);
  });

  it('gets one over its multi-pack-index', async () => {
    const source = createSource({ packs: 3 });
    git(source, ['multi-pack-index', 'write']);
    const before = await explain(source);
    expect(before.storage.multiPackIndex).toEqual({ packs: 3, layers: 1 });
    expect(adviceOn('bitmap', before).command).toEqual(['multi-pack-index', 'write', '--bitmap']);
    const after = await follow(source, before, 'bitmap');
    expect(statisticsOf(after)).toMatchObject({ bitmap: 'used', walked: 0 });
  });

  it('gets one over packs that are to be kept, and over what lies loose', async () => {
    const source = createSource({ packs: 2 });
    const [{ name }] = (await explain(source)).storage.packs;
    fs.writeFileSync(path.join(source, `objects/pack/${name}.keep`), '');
    addCommit(source, 'main', { new: 'new\n' });
    const before = await explain(source);
    expect(adviceOn('bitmap', before).command).toContain('--write-midx');
    const after = await follow(source, before, 'bitmap');
    expect(statisticsOf(after)).toMatchObject({ bitmap: 'used', walked: 0 });
    expect(after.storage.packs.map((pack) => pack.name)).toContain(name);
  });

  it('that borrows its objects gets one where they are, and nothing there is lost', async () => {
    const pool = createSource({ packs: 2 });
    const unreachable = git(pool, ['hash-object', '-w', '--stdin'], { input: 'of a fork\n' });
    git(pool, ['pack-objects', '-q', 'objects/pack/pack'], { input: `${unreachable}\n` });
    git(pool, ['prune-packed']);
    const fork = createRepository(temporaryDirectory(), 'fork.git');
    fs.writeFileSync(path.join(fork, 'objects/info/alternates'), `${path.join(pool, 'objects')}\n`);
    git(fork, ['update-ref', 'refs/heads/main', git(pool, ['rev-parse', 'main'])]);
    const before = await explain(fork);
    expect(adviceOn('bitmap', before).directory).toBe(fs.realpathSync(pool));
    const after = await follow(fork, before, 'bitmap');
    expect(statisticsOf(after)).toMatchObject({ bitmap: 'used', walked: 0 });
    expect(git(pool, ['cat-file', 'blob', unreachable])).toBe('of a fork');
  });

  it('is told that its configuration forbids them', async () => {
    const source = createSource();
    git(source, ['repack', '-adb']);
    git(source, ['config', 'pack.useBitmaps', 'false']);
    const before = await explain(source);
    expect(before.storage.bitmap.state).toBe('off');
    const after = await follow(source, before, 'bitmap');
    expect(statisticsOf(after)).toMatchObject({ bitmap: 'used', walked: 0 });
  });
});

it('a bitmap that is out of date is made anew', async () => {
  const source = createSource({ commits: 10 });
  git(source, ['repack', '-adb']);
  const history = new History(10_000);
  for (let n = 0; n < COMMITS; n++) {
    const from = n === 0 ? { from: 'refs/heads/main^0' } : {};
    history.commit({ branch: 'main', files: { later: `${n}\n` }, ...from });
  }
  history.importInto(source);
  const before = await explain(source);
  expect(adviceOn('bitmap', before).why).toMatch(/^The bitmap is out of date: /);
  const after = await follow(source, before, 'bitmap');
  expect([statisticsOf(before).walked, statisticsOf(after).walked]).toEqual([3 * COMMITS, 0]);
});

it('a bitmap that is damaged is made anew', async () => {
  const source = createSource();
  git(source, ['repack', '-adb']);
  const bitmap = path.join(source, 'objects/pack', `${(await explain(source)).storage.packs[0].name}.bitmap`);
  const bytes = fs.readFileSync(bitmap);
  bytes[bytes.length >> 1] ^= 1;
  fs.chmodSync(bitmap, 0o644);
  fs.writeFileSync(bitmap, bytes);
  const before = await explain(source);
  expect(before.ignored.join()).toContain('.bitmap: ');
  expect(adviceOn('bitmap', before).why).toMatch(/^The bitmap is damaged: /);
  const after = await follow(source, before, 'bitmap');
  expect(statisticsOf(after)).toMatchObject({ bitmap: 'used', walked: 0, ignored: [] });
});

it('a repository without a commit-graph gets one: then no commit is read from its object', async () => {
  const source = createSource();
  const before = await explain(source);
  expect(before.storage.commitGraph).toMatchObject({ state: 'absent', missing: COMMITS });
  expect(statisticsOf(before).opened).toBe(COMMITS);
  const after = await follow(source, before, 'commit-graph');
  expect(after.storage.commitGraph).toMatchObject({ state: 'usable', commits: COMMITS, missing: 0 });
  expect(statisticsOf(after).opened).toBe(0);
});

it('a repository with a bitmap gets a commit-graph too: then no fetch reads commits from their objects', async () => {
  const source = createSource();
  git(source, ['repack', '-adb']);
  const before = await explain(source);
  expect(findings(before)).toEqual(['commit-graph']);
  expect(before.fetch).toMatchObject({ behind: COMMITS - 1, statistics: { kind: 'fetch', common: 1 } });
  expect(before.fetch!.statistics.opened).toBeGreaterThanOrEqual(COMMITS - 1);
  const after = await follow(source, before, 'commit-graph');
  expect(after.fetch!.statistics.opened).toBe(0);
  expect(after.fetch!.statistics.objects).toEqual(before.fetch!.statistics.objects);
});

it('loose objects are packed: then none is deflated anew', async () => {
  const source = createSource({ loose: true });
  const before = await explain(source);
  expect(before.storage).toMatchObject({ packs: [], loose: 3 * COMMITS });
  expect(before.clone!.copied).toBe(0);
  const after = await follow(source, before, 'loose');
  expect(after.storage.loose).toBe(0);
  expect(statisticsOf(after).objects.deflated).toBe(0);
  expect(after.clone!.copied).toBeGreaterThan(0.99);
  expect(after.clone!.bytes).toBeLessThan(before.clone!.bytes);
});

it('loose objects beside a large pack are packed by themselves', async () => {
  const source = createSource({ commits: 4000 });
  git(source, ['repack', '-adb']);
  const history = new History(100_000);
  for (let n = 0; n < 200; n++) {
    const from = n === 0 ? { from: 'refs/heads/main^0' } : {};
    history.commit({ branch: 'main', files: { later: `${n}\n` }, ...from });
  }
  history.importInto(source, true);
  const before = await explain(source);
  expect(adviceOn('loose', before).command).toEqual(['repack', '-d']);
  const after = await follow(source, before, 'loose');
  const anew = [before, after].map((report) => statisticsOf(report).bytes.deflated);
  expect(anew[0]).toBeGreaterThan(0);
  expect(anew[1]).toBe(0);
});

it('many packs become one', async () => {
  const source = createSource({ packs: 12 });
  const before = await explain(source);
  const after = await follow(source, before, 'packs');
  expect([before.storage.packs.length, after.storage.packs.length]).toEqual([12, 1]);
  expect(after.clone!.bytes).toBeLessThan(before.clone!.bytes);
});

it('refs that only mirrors ask for are hidden: then the list of every ref is short', async () => {
  const source = createSource({ commits: 5 });
  const oid = git(source, ['rev-parse', 'main']);
  const created = Array.from({ length: 300 }, (_, n) => `create refs/pull/${n}/head ${oid}\n`);
  git(source, ['update-ref', '--stdin'], { input: created.join('') });
  const before = await explain(source);
  expect(before.refs).toEqual({
    total: 301,
    branches: 1,
    tags: 0,
    others: [{ prefix: 'refs/pull', refs: 300 }],
    hidden: 0,
  });
  expect(adviceOn('refs', before).command).toEqual(['config', '--add', 'transfer.hideRefs', 'refs/pull']);
  const after = await follow(source, before, 'refs');
  expect(after.refs).toMatchObject({ total: 301, others: [], hidden: 300 });
  const listed = [before, after].map(({ advertisement }) => advertisement.statistics.refs);
  expect(listed).toEqual([302, 2]);
  expect(after.advertisement.bytes).toBeLessThan(before.advertisement.bytes / 10);
  expect(after.clone!.bytes).toBe(before.clone!.bytes);
});

it('the dry run is the clone that git makes', async () => {
  const source = createSource();
  git(source, ['tag', '-a', '-m', 'one', 'v1', 'main']);
  const { clone, listing } = await explain(source);
  const mirror = path.join(temporaryDirectory(), 'mirror.git');
  git(source, ['clone', '-q', '--mirror', `file://${source}`, mirror]);
  expect(clone!.statistics.objects.total).toBe(reachableObjects(mirror).length);
  expect(clone!.copied).toBeGreaterThan(0.99);
  expect(listing.statistics.refs).toBe(3);
});

it('nothing is recommended for what is small, or empty', async () => {
  const small = await explain(createSource({ commits: 20 }));
  const empty = await explain(createRepository(temporaryDirectory(), 'empty.git'));
  expect([small.recommendations, empty.recommendations, empty.clone]).toEqual([[], [], undefined]);
});

describe('a repository that cannot be cloned', () => {
  const partialClone = (flags: readonly string[]) => {
    const source = createSource({ commits: 5 });
    git(source, ['branch', 'side', 'main~2']);
    addCommit(source, 'side', { side: 'side\n' });
    git(source, ['config', 'uploadpack.allowFilter', 'true']);
    const partial = path.join(temporaryDirectory(), 'partial.git');
    git(source, ['clone', '-q', ...flags, '--filter=blob:none', `file://${source}`, partial]);
    return partial;
  };

  it.each([
    ['a bare one', ['--bare']],
    ['a mirror', ['--mirror']],
  ])('as it is partial, %s, is surveyed all the same, and can be once it is completed', async (_, flags) => {
    const partial = partialClone(flags);
    const before = await explain(partial);
    expect(before).toMatchObject({ refs: { total: 2 }, storage: { packs: [{}] } });
    expect([before.clone, before.fetch]).toEqual([undefined, undefined]);
    const { error, complete } = before.failure!;
    expect(error).toMatch(/[0-9a-f]{40}/);
    git(complete!.directory, complete!.command);
    const after = await explain(partial);
    expect(after.failure).toBeUndefined();
    expect(after.clone!.statistics.objects.total).toBe(reachableObjects(partial).length);
  });

  it('as an object is damaged, is surveyed all the same', async () => {
    const source = createSource({ commits: 5, loose: true });
    const blob = git(source, ['rev-parse', 'main:file0']);
    const file = path.join(source, 'objects', blob.slice(0, 2), blob.slice(2));
    fs.chmodSync(file, 0o644);
    fs.writeFileSync(file, 'no object');
    const report = await explain(source);
    expect(report).toMatchObject({ refs: { total: 1 }, storage: { loose: 15 }, clone: undefined });
    expect(report.failure).toMatchObject({ error: expect.stringContaining(blob), complete: undefined });
  });
});
