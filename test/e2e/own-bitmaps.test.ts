/** Bitmaps of our own: built after a large clone, used by the next, void when the packs change. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { git, reachableObjects } from '../support/git.ts';
import { addCommit, createRepository, History } from '../support/history.ts';
import { damage } from '../support/packs.ts';
import { cloneRequest, post } from '../support/raw-client.ts';
import { hasPack, metric } from '../support/request-log.ts';
import { parseFetchAnswer } from '../support/requests.ts';
import { type LogLine, type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
/** More than 20,000 objects, in one pack, and no bitmap. */
const original = createRepository(temporaryDirectory(), 'original.git');

beforeAll(() => {
  const files = Array.from({ length: 20_000 }, (_, i) => [`${i % 200}/${i}`, `content of ${i}\n`]);
  const history = new History();
  history.commit({ branch: 'main', files: Object.fromEntries(files) });
  for (let i = 0; i < 5; i++) history.commit({ branch: 'main', files: { [`7/new${i}`]: `new ${i}\n` } });
  history.tag('v1', ':3');
  history.importInto(original);
});

function copyOriginal(name: string): string {
  const copy = path.join(root, name);
  fs.cpSync(original, copy, { recursive: true });
  return copy;
}

/** A service with a cache directory that the test may look into. */
async function startWithCache(flags: readonly string[] = []) {
  const cache = temporaryDirectory();
  // The last flag of a name counts.
  // What was made once would be sent again.
  const service = await startService(root, ['--cache-size', '0', ...flags], { PACKHORSE_CACHE_DIR: cache });
  return { service, cache };
}

interface Cloned {
  readonly pack: Buffer;
  readonly line: LogLine;
}

/** Clones, has git look at the pack, and waits for the line in the log. */
async function cloneAndCheck(service: RunningService, source: string): Promise<Cloned> {
  const name = path.basename(source);
  const before = service.log.length;
  const { pack, error } = parseFetchAnswer((await post(service, name, cloneRequest(source))).body);
  expect(error).toBe('');
  const target = createRepository(temporaryDirectory(), 'target.git');
  git(target, ['index-pack', '--stdin', '--strict'], { input: pack });
  const ids = git(target, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']);
  expect(ids.split('\n')).toEqual(reachableObjects(source));
  const line = await service.logged(
    (each) => service.log.indexOf(each) >= before && each.repository === name && hasPack(each),
  );
  return { pack, line };
}

/** Resolves with the n-th line that says this of a repository. */
function said(service: RunningService, source: string, message: string, n = 1): Promise<LogLine> {
  const lines = () =>
    service.log.filter(({ msg, repository }) => msg === message && repository === path.basename(source));
  return service.logged((line) => lines()[n - 1] === line);
}

const built = (service: RunningService, source: string, n = 1) => said(service, source, 'bitmaps built', n);

/** Everything in a directory, with when it was changed. */
function listing(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { mtimeMs, ctimeMs, size, ino } = fs.lstatSync(path.join(directory, name));
      return `${name} ${mtimeMs} ${ctimeMs} ${size} ${ino}`;
    })
    .sort();
}

describe('a repository without bitmaps', () => {
  let service: RunningService;
  let cache: string;
  beforeAll(async () => {
    ({ service, cache } = await startWithCache());
  });
  const cacheFile = () => {
    const [name, ...others] = fs.readdirSync(path.join(cache, 'bitmaps'));
    expect(others).toEqual([]);
    return path.join(cache, 'bitmaps', name);
  };

  test('gets some, which are used, kept where packs are added, and built anew after a repack', async () => {
    const source = copyOriginal('life.git');
    const before = listing(source);
    const first = await cloneAndCheck(service, source);
    expect(first.line.statistics).toMatchObject({ bitmap: 'absent', ignored: [] });
    await built(service, source);
    const second = await cloneAndCheck(service, source);
    expect(second.line.statistics).toMatchObject({ bitmap: 'used', walked: 0 });
    expect(second.pack.equals(first.pack)).toBe(true);
    expect(listing(source)).toEqual(before);

    addCommit(source, 'main', { 'loose/new': 'loose\n' });
    const history = new History(2_000_000);
    history.commit({ branch: 'main', from: 'refs/heads/main^0', files: { 'packed/new': 'packed\n' } });
    history.importInto(source);
    const third = await cloneAndCheck(service, source);
    expect(third.line.statistics.bitmap).toBe('used');
    expect(third.line.statistics.walked).toBeGreaterThan(3);
    expect(third.line.statistics.walked).toBeLessThan(100);

    git(source, ['-c', 'repack.writeBitmaps=false', 'repack', '-adq']);
    expect((await cloneAndCheck(service, source)).line.statistics.bitmap).toBe('absent');
    await built(service, source, 2);
    const last = await cloneAndCheck(service, source);
    expect(last.line.statistics).toMatchObject({ bitmap: 'used', walked: 0 });

    const file = cacheFile();
    damage(file, Math.floor(fs.statSync(file).size / 2));
    const ignored = await metric(service, 'packhorse_index_ignored_total{kind="bitmap"}');
    const unused = await cloneAndCheck(service, source);
    expect(unused.line.statistics.bitmap).toBe('unusable');
    expect(unused.line.statistics.ignored).toEqual([`${file}: its trailing hash is wrong`]);
    expect(await metric(service, 'packhorse_index_ignored_total{kind="bitmap"}')).toBe(ignored + 1);
    await said(service, source, 'an index file is damaged or stale and is ignored');
    await built(service, source, 3);
    expect((await cloneAndCheck(service, source)).line.statistics.bitmap).toBe('used');

    git(source, ['config', 'pack.useBitmaps', 'false']);
    expect((await cloneAndCheck(service, source)).line.statistics.bitmap).toBe('off');
  });

  test('has its own damaged bitmap ignored, with one warning and a count of each time', async () => {
    const source = copyOriginal('damaged.git');
    git(source, ['repack', '-adbq']);
    const directory = path.join(source, 'objects/pack');
    const name = fs.readdirSync(directory).find((each) => each.endsWith('.bitmap'))!;
    expect((await cloneAndCheck(service, source)).line.statistics.bitmap).toBe('used');
    damage(path.join(directory, name), 300);
    const ignored = await metric(service, 'packhorse_index_ignored_total{kind="bitmap"}');
    for (const _ of [1, 2]) {
      const { statistics } = (await cloneAndCheck(service, source)).line;
      expect(statistics.ignored).toEqual([`${path.join(directory, name)}: its trailing hash is wrong`]);
    }
    expect(await metric(service, 'packhorse_index_ignored_total{kind="bitmap"}')).toBeGreaterThanOrEqual(
      ignored + 2,
    );
    const warnings = service.log.filter(
      ({ level, repository }) => level === 40 && repository === 'damaged.git',
    );
    expect(warnings).toHaveLength(1);
  });
});

test('--own-bitmaps off: nothing is built', async () => {
  const { service, cache } = await startWithCache(['--own-bitmaps', 'off']);
  const source = copyOriginal('off.git');
  for (const _ of [1, 2]) {
    expect((await cloneAndCheck(service, source)).line.statistics.bitmap).toBe('absent');
  }
  expect(fs.readdirSync(cache)).toEqual([]);
});

test('a cache directory that cannot be written: a warning, and clones as before', async () => {
  const { service, cache } = await startWithCache();
  const source = copyOriginal('unwritable.git');
  fs.writeFileSync(path.join(cache, 'bitmaps'), 'not a directory');
  await cloneAndCheck(service, source);
  const warning = await said(service, source, 'bitmaps could not be built');
  expect(warning.level).toBe(40);
  expect((await cloneAndCheck(service, source)).line.statistics).toMatchObject({
    bitmap: 'absent',
    ignored: [],
  });
});

test('a service that is told to end while it builds ends, and leaves nothing half done', async () => {
  const { service, cache } = await startWithCache(['--workers', '1']);
  const source = copyOriginal('drained.git');
  await post(service, path.basename(source), cloneRequest(source));
  expect(await service.stop()).toBe(0);
  const left = fs.existsSync(path.join(cache, 'bitmaps')) ? fs.readdirSync(path.join(cache, 'bitmaps')) : [];
  expect(left.filter((name) => !name.endsWith('.bitmap'))).toEqual([]);
  expect(service.log.filter(({ level }) => level >= 40)).toEqual([]);
});
