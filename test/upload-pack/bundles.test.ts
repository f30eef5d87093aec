/** Bundles for clones: git is the judge of what is in them, and of which clients get what they lack. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { Pace } from '../../src/pack/pace.ts';
import { BundleStore } from '../../src/store/bundles/bundle-store.ts';
import type { BundleLimits } from '../../src/upload-pack/build-bundle.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import type { SentFile } from '../../src/upload-pack/send-bundle.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { storedObjects } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git, reachableObjects } from '../support/git.ts';
import { addCommit, createRepository, History, noise } from '../support/history.ts';
import { decodePackets, encodeRequest, v2Request } from '../support/requests.ts';

const HOUR = 3_600_000;
const LIMITS: BundleLimits = { objects: 3, age: 24 * HOUR, increments: 2, share: 0.5 };

let source: string;
let cache: string;
/** What the store's clock says. */
let now: number;

beforeEach(() => {
  now = Date.now();
  cache = temporaryDirectory();
  source = createSource();
});

function createSource(flags: readonly string[] = []): string {
  const directory = createRepository(temporaryDirectory(), 'source.git', flags);
  const history = new History();
  const first = history.commit({ branch: 'main', files: { a: noise(20_000, 1), 'b/c': 'c\n' } });
  history.tag('v1', first);
  history.commit({ branch: 'main', files: { a: noise(20_000, 2) } });
  history.commit({ branch: 'topic', from: first, files: { topic: 'not in bundles\n' } });
  history.importInto(directory);
  git(directory, ['tag', 'light', 'main']);
  return directory;
}

const storeOf = (budget?: number) => new BundleStore(cache, { now: () => now, ...(budget && { budget }) });

/** @returns what was made: `clone` for a bundle of everything, `fetch` for one of what has come since */
async function build(limits = LIMITS, options = {}) {
  const server = new UploadPack(source, { bundles: storeOf(), ...options });
  const statistics = newStatistics('none');
  await server.buildBundle({ sink: new ByteSink(() => {}), pace: new Pace(), statistics }, limits);
  server.close();
  return statistics.kind;
}

/** What a client is told of bundles: by id and token, in order; undefined where it is not to ask. */
async function offered(options = {}): Promise<{ id: string; token: number }[] | undefined> {
  const server = new UploadPackV2(source, { bundles: storeOf(), ...options });
  try {
    if (!decodePackets(server.advertise()).some(({ text }) => text === 'bundle-uri')) return undefined;
    const format = git(source, ['rev-parse', '--show-object-format']);
    const request = v2Request('bundle-uri', [], [`object-format=${format}`]);
    const lines = decodePackets(await server.feed(Buffer.from(request))).map(({ text }) => text);
    const text = lines.join('\n');
    const ids = [
      ...text.matchAll(/^bundle\.(\w+)\.uri=bundles\/\1\.bundle\nbundle\.\1\.creationtoken=(\d+)$/gm),
    ];
    const head = ['bundle.version=1', 'bundle.mode=all', 'bundle.heuristic=creationToken'];
    expect(lines.slice(0, -1)).toHaveLength(ids.length > 0 ? 3 + 2 * ids.length : 0);
    if (ids.length > 0) expect(lines.slice(0, 3)).toEqual(head);
    return ids.map(([, id, token]) => ({ id, token: Number(token) }));
  } finally {
    server.close();
  }
}

/** What is served for an id; undefined where it is not found. */
async function download(id: string): Promise<Buffer | undefined> {
  const server = new UploadPack(source, { bundles: storeOf() });
  const parts: Uint8Array[] = [];
  const files: SentFile[] = [];
  const sink = new ByteSink((bytes) => void parts.push(bytes));
  const exchange = { sink, pace: new Pace(), statistics: newStatistics('none') };
  try {
    const request = { id, range: undefined, headOnly: false };
    await server.sendBundle(request, exchange, (file) => void files.push(file));
  } catch (error) {
    expect(error).toMatchObject({ code: 'PACKHORSE_FILE_NOT_FOUND' });
    return undefined;
  } finally {
    server.close();
  }
  const bytes = Buffer.concat(parts);
  expect(files.map((file) => file.bytes)).toEqual([bytes.length]);
  return bytes;
}

async function save(id: string): Promise<string> {
  const file = path.join(temporaryDirectory(), `${id}.bundle`);
  fs.writeFileSync(file, (await download(id))!);
  return file;
}

/** Takes all bundles that are offered into a new repository, as clients do. */
async function takeAll(format = 'sha1'): Promise<string> {
  const target = createRepository(temporaryDirectory(), 'target.git', [`--object-format=${format}`]);
  for (const { id } of (await offered())!) {
    const file = await save(id);
    git(target, ['bundle', 'verify', '-q', file]);
    git(target, ['fetch', '-q', file, '+refs/*:refs/*']);
  }
  fsck(target);
  return target;
}

const inBundles = (repository: string) =>
  git(repository, ['rev-list', '--objects', '--no-object-names', 'main', '--tags']).split('\n').sort();

const bundleDirectory = () => path.join(cache, 'bundles', fs.readdirSync(path.join(cache, 'bundles'))[0]);
const bundleFiles = () => fs.readdirSync(bundleDirectory()).filter((name) => name.endsWith('.bundle'));

describe.each(['sha1', 'sha256'])('a bundle of a %s repository', (format) => {
  test('holds the default branch and the tags, with exactly what they reach', async () => {
    source = createSource([`--object-format=${format}`]);
    expect(await offered()).toBeUndefined();
    expect(await build()).toBe('clone');
    const target = await takeAll(format);
    expect(storedObjects(target)).toEqual(inBundles(source));
    const refs = git(source, ['for-each-ref', 'refs/heads/main', 'refs/tags']);
    expect(git(target, ['for-each-ref'])).toBe(refs);
    expect(await build()).toBe('none');
  });

  test('is followed by one of what has come since, when that is enough', async () => {
    source = createSource([`--object-format=${format}`]);
    await build();
    git(source, ['tag', 'same', 'main']);
    expect(await build()).toBe('none');
    const needed = git(source, ['rev-parse', 'main', 'v1^{}']).split('\n');
    addCommit(source, 'main', { a: noise(20_000, 3) });
    git(source, ['tag', '-m', 'v2', 'v2', 'main']);
    expect(await build()).toBe('fetch');
    const [first, second] = (await offered())!;
    expect(second.token).toBe(first.token + 1);
    const bytes = (await download(second.id))!;
    expect(bytes.length).toBeLessThan((await download(first.id))!.length);
    const [head] = bytes.toString('latin1').split('\n\n');
    expect([...head.matchAll(/^-(\w+) /gm)].map(([, oid]) => oid).sort()).toEqual(needed.sort());
    expect(storedObjects(await takeAll(format))).toEqual(inBundles(source));
  });
});

describe('what has come since', () => {
  test('is waited for a day where it is little', async () => {
    const many = { ...LIMITS, objects: 100 };
    await build(many);
    addCommit(source, 'main', { new: 'new\n' });
    now += 23 * HOUR;
    expect(await build(many)).toBe('none');
    now += 2 * HOUR;
    expect(await build(many)).toBe('fetch');
  });

  test('makes everything be bundled anew after some bundles; those before stay for a while', async () => {
    expect(await build(LIMITS)).toBe('clone');
    for (const kind of ['fetch', 'fetch', 'clone']) {
      addCommit(source, 'main', { a: `instead of ${bundleFiles().length}\n` });
      expect(await build({ ...LIMITS, share: 10 })).toBe(kind);
    }
    expect(await offered()).toHaveLength(1);
    expect(bundleFiles()).toHaveLength(4);
    for (const name of bundleFiles()) expect(await download(name.replace('.bundle', ''))).toBeDefined();
    now += 7 * HOUR;
    storeOf().sweep();
    expect(bundleFiles()).toHaveLength(1);
    expect(storedObjects(await takeAll())).toEqual(inBundles(source));
  });

  test('does so too when it has grown large beside the first, with the token of the last', async () => {
    await build();
    addCommit(source, 'main', { large: noise(100_000, 5) });
    expect(await build()).toBe('fetch');
    const last = (await offered())!.at(-1)!;
    addCommit(source, 'main', { small: 'small\n' });
    expect(await build()).toBe('clone');
    expect((await offered())!.map(({ token }) => token)).toEqual([last.token]);
  });
});

describe('nothing is offered or given out of', () => {
  test('a branch that has lost what was bundled', async () => {
    await build();
    const [{ id }] = (await offered())!;
    git(source, ['update-ref', 'refs/heads/main', 'main~1']);
    expect(await offered()).toEqual([]);
    expect(await download(id)).toBeUndefined();
    expect(await build()).toBe('clone');
    expect(storedObjects(await takeAll())).toEqual(inBundles(source));
  });

  test.each([
    ['a tag that was hidden', ['config', 'transfer.hideRefs', 'refs/tags/v1']],
    ['a branch that was hidden', ['config', 'uploadpack.hideRefs', 'refs/heads/main']],
    ['a tag that was deleted', ['tag', '-d', 'v1']],
    ['a tag that was moved', ['tag', '-f', 'light', 'main~1']],
  ])('%s', async (_, change) => {
    await build();
    const [{ id }] = (await offered())!;
    git(source, change);
    expect(await offered()).toEqual([]);
    expect(await download(id)).toBeUndefined();
  });

  test('a repository whose owner forbids it, or has bundles elsewhere', async () => {
    await build();
    const [{ id }] = (await offered())!;
    git(source, ['config', 'uploadpack.advertiseBundleURIs', 'false']);
    expect(await offered()).toBeUndefined();
    expect(await download(id)).toBeUndefined();
    git(source, ['config', 'uploadpack.advertiseBundleURIs', 'true']);
    expect((await offered())!.map((bundle) => bundle.id)).toEqual([id]);
    git(source, ['config', 'bundle.version', '1']);
    const server = new UploadPackV2(source, { bundles: storeOf() });
    const answer = decodePackets(await server.feed(encodeRequest('bundle-uri', [])));
    expect(answer.map(({ text }) => text)).toEqual(['bundle.version=1', 'flush']);
    expect(await download(id)).toBeUndefined();
    server.close();
  });

  test('another repository at the same path, and its files are removed', async () => {
    await build();
    const [{ id }] = (await offered())!;
    // Renamed over it, so that it cannot get the inode of the one that was there.
    const other = `${source}.other`;
    fs.cpSync(source, other, { recursive: true });
    fs.renameSync(source, `${source}.before`);
    fs.renameSync(other, source);
    expect(await offered()).toBeUndefined();
    expect(await download(id)).toBeUndefined();
    storeOf().sweep();
    expect(fs.readdirSync(path.join(cache, 'bundles'))).toEqual([]);
  });

  test('a file that is cut short, altered or gone: it is made anew', async () => {
    const spoilt: ((file: string) => void)[] = [
      (file) => fs.truncateSync(file, 100),
      (file) => fs.rmSync(file),
      (file) => {
        const bytes = fs.readFileSync(file);
        bytes[bytes.length >> 1] ^= 1;
        fs.writeFileSync(file, bytes);
      },
    ];
    for (const spoil of spoilt) {
      expect(await build()).toBe('clone');
      const [{ id }] = (await offered())!;
      spoil(path.join(bundleDirectory(), `${id}.bundle`));
      expect(await download(id)).toBeUndefined();
      expect(await offered()).toBeUndefined();
    }
  });

  test('a shallow repository, one without its branch, and one in which HEAD is hidden', async () => {
    const whole = source;
    source = path.join(temporaryDirectory(), 'shallow.git');
    git(whole, ['clone', '-q', '--bare', '--depth', '1', `file://${whole}`, source]);
    expect(await build()).toBe('none');
    source = createRepository(temporaryDirectory(), 'empty.git');
    expect(await build()).toBe('none');
    source = whole;
    git(source, ['config', 'transfer.hideRefs', 'refs/heads']);
    expect(await build()).toBe('none');
  });
});

test('a namespace has bundles of its own, of its own refs', async () => {
  for (const ref of ['heads/main', 'tags/inner']) {
    git(source, ['update-ref', `refs/namespaces/part/refs/${ref}`, 'topic']);
  }
  git(source, ['symbolic-ref', 'refs/namespaces/part/HEAD', 'refs/namespaces/part/refs/heads/main']);
  await build();
  expect(await offered({ namespace: 'part' })).toBeUndefined();
  expect(await build(LIMITS, { namespace: 'part' })).toBe('clone');
  const [{ id }] = (await offered({ namespace: 'part' }))!;
  expect(await download(id)).toBeUndefined();
  const [file] = fs
    .readdirSync(path.join(cache, 'bundles'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(`${id}.bundle`));
  const heads = git(source, ['bundle', 'list-heads', path.join(cache, 'bundles', file)]);
  const topic = git(source, ['rev-parse', 'topic']);
  expect(heads).toBe(`${topic} refs/heads/main\n${topic} refs/tags/inner`);
});

test('bundles that no one has used for a month are removed', async () => {
  await build();
  now += 29 * 24 * HOUR;
  expect(await offered()).toHaveLength(1);
  now += 29 * 24 * HOUR;
  storeOf().sweep();
  expect(await offered()).toHaveLength(1);
  now += 31 * 24 * HOUR;
  storeOf().sweep();
  expect(fs.readdirSync(path.join(cache, 'bundles'))).toEqual([]);
});

test('what was never finished is removed when no one can be writing it any more', async () => {
  await build();
  const left = path.join(bundleDirectory(), '1.abcd.tmp');
  fs.writeFileSync(left, 'half');
  storeOf().sweep();
  expect(fs.existsSync(left)).toBe(true);
  now += 2 * HOUR;
  storeOf().sweep();
  expect(fs.existsSync(left)).toBe(false);
  expect(reachableObjects(source).length).toBeGreaterThan(storedObjects(await takeAll()).length);
});
