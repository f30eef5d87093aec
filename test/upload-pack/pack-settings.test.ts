/** What a repository's configuration says of making packs is done. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { parseAssignment } from '../../src/repository/config-command.ts';
import { REPOSITORY_ONLY } from '../../src/repository/read-config.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git } from '../support/git.ts';
import { createRepository, History, noise } from '../support/history.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

const root = temporaryDirectory();
const repository = path.join(root, 'a.git');
/** A text of 12 KB, and one that differs from it in a line. */
const lines = noise(6000, 1).toString('hex').match(/.{40}/g)!;
const versions = [lines.join('\n'), [...lines, 'one more'].join('\n')];
let tips: string[];

beforeAll(() => {
  createRepository(root, 'a.git');
  const history = new History();
  history.commit({ branch: 'main', files: { 'a/b/c/file': versions[0] } });
  history.commit({ branch: 'main', files: { 'a/b/c/file': versions[1] } });
  history.importInto(repository, true);
  tips = ['main~1', 'main'].map((name) => git(repository, ['rev-parse', name]));
});

/** A clone, or a fetch by one who has the first commit, from a repository that is set up so. */
async function fetch(settings: readonly string[], has = false) {
  const config = { ...REPOSITORY_ONLY, defaults: settings.map(parseAssignment) };
  const server = new UploadPackV2(repository, { config });
  const haves = has ? ['thin-pack', `have ${tips[0]}`] : [];
  const request = encodeRequest('fetch', [`want ${tips[1]}`, 'ofs-delta', ...haves, 'done']);
  const parts: Uint8Array[] = [];
  const { statistics, error } = await server.feed(request, (bytes) => void parts.push(Buffer.from(bytes)));
  server.close();
  return { pack: parseFetchAnswer(Buffer.concat(parts)).pack, statistics, error: error?.message };
}

describe('a value that makes no sense', () => {
  test.each([
    'pack.window=x',
    'pack.window=3g',
    'pack.depth=1t',
    'pack.windowMemory=-1',
    'pack.deltaCacheSize=x',
    'pack.compression=10',
    'pack.compression=-2',
    'core.compression=10',
  ])('is refused in the words of git: %s', async (setting) => {
    const args = ['-C', repository, '-c', setting, 'pack-objects', '--stdout'];
    const { stderr } = spawnSync('git', args, { env: GIT_ENVIRONMENT, encoding: 'utf8', input: '' });
    expect((await fetch([setting])).error).toBe(stderr.replace('fatal: ', '').trimEnd());
  });

  // Earlier versions of git know less of this one.
  test.each(['some', '1'])('is refused: pack.allowPackReuse=%s', async (value) => {
    const { error } = await fetch([`pack.allowPackReuse=${value}`]);
    expect(error).toBe(`invalid pack.allowPackReuse value: '${value}'`);
  });
});

describe('compression', () => {
  test('of packs beats that of all', async () => {
    const size = async (...settings: string[]) => (await fetch(settings)).statistics.bytes.total;
    const [stored, best] = [await size('core.compression=0'), await size('core.compression=9')];
    expect(stored).toBeGreaterThan(best * 1.5);
    expect(await size('pack.compression=0', 'core.compression=9')).toBe(stored);
    expect(await size('core.compression=0', 'pack.compression=9')).toBe(best);
  });
});

describe('new deltas', () => {
  test.each([
    [[], 1],
    [['pack.window=0'], 0],
    [['pack.depth=0'], 0],
    [['core.bigFileThreshold=12287'], 0],
    [['core.bigFileThreshold=16k'], 1],
  ])('with %j', async (settings, least) => {
    const { statistics } = await fetch(settings, true);
    expect(statistics.objects.made).toBe(least);
  });

  test('are the same with little memory', async () => {
    const { pack } = await fetch([], true);
    const little = await fetch(['pack.windowMemory=1', 'pack.deltaCacheSize=1'], true);
    expect(little.statistics.objects.made).toBe(1);
    expect(little.pack.equals(pack)).toBe(true);
  });
});

test('a pack of nothing but streams, above core.bigFileThreshold, is whole', async () => {
  const { pack, statistics } = await fetch(['core.bigFileThreshold=1']);
  expect(statistics.objects.deflated).toBe(statistics.objects.total);
  const target = createRepository(temporaryDirectory(), 'target.git');
  git(target, ['index-pack', '--stdin', '--strict'], { input: pack });
  expect(git(target, ['cat-file', 'blob', `${tips[1]}:a/b/c/file`])).toBe(versions[1]);
});

test.each([
  ['true', true],
  ['single', true],
  ['Multi', true],
  ['false', false],
])('pack.allowPackReuse=%s', async (value, runs) => {
  git(repository, ['repack', '-adq']);
  const { pack } = await fetch([]);
  const { pack: other, statistics } = await fetch([`pack.allowPackReuse=${value}`]);
  expect(other.equals(pack)).toBe(true);
  expect(statistics.objects.verbatim > 0).toBe(runs);
});

test.each([
  ['a clone', false],
  ['a fetch', true],
])('core.maxTreeDepth ends %s', async (_, has) => {
  const errorOf = async (depth: number) =>
    (await fetch(['pack.useBitmaps=no', `core.maxTreeDepth=${depth}`], has)).error;
  expect(await errorOf(3)).toBeUndefined();
  expect(await errorOf(2)).toBe('exceeded maximum allowed tree depth');
});
