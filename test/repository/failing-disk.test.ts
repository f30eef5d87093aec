/** Calls to the system that fail: another copy is read, or the error says which call it was, and nothing is concluded. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { Pace } from '../../src/pack/pace.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { OwnBitmaps } from '../../src/store/own-bitmaps.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture, expectedListing } from '../support/fixtures.ts';
import { git, gitBytes, reachableObjects } from '../support/git.ts';
import { createRepository, History, packsOf } from '../support/history.ts';
import { addPack } from '../support/packs.ts';
import { decodePackets, encodeRequest } from '../support/requests.ts';

afterEach(() => void vi.restoreAllMocks());

function createSource(): string {
  const source = createRepository(temporaryDirectory(), 'source.git');
  const history = new History();
  for (let n = 0; n < 5; n++)
    history.commit({ branch: 'main', files: { file: `${'text\n'.repeat(99)}${n}` } });
  history.tag('v1', ':1');
  history.importInto(source);
  return source;
}

function failure(code: string, syscall: string, file: string): Error {
  return Object.assign(new Error(`${code}: ${syscall} '${file}'`), { code, syscall });
}

/** Makes reads of files fail whose path, with ` (deleted)` behind it where they are gone, matches. */
function failReads(code: string, matches: RegExp): void {
  const read = fs.readSync as (fd: number, ...rest: unknown[]) => number;
  vi.spyOn(fs, 'readSync').mockImplementation((fd: number, ...rest: unknown[]) => {
    const file = fs.readlinkSync(`/proc/self/fd/${fd}`);
    if (matches.test(file)) throw failure(code, 'read', file);
    return read(fd, ...rest);
  });
}

function failOpens(code: string, matches: RegExp): void {
  const open = fs.openSync;
  vi.spyOn(fs, 'openSync').mockImplementation((file, ...rest) => {
    if (matches.test(String(file))) throw failure(code, 'open', String(file));
    return open(file, ...rest);
  });
}

/** Reads every object, and compares it with git's. */
function expectAllReadable(source: string, { objects }: Repository): void {
  for (const oid of reachableObjects(source)) {
    const number = objects.view.findHex(oid);
    const data = gitBytes(source, ['cat-file', git(source, ['cat-file', '-t', oid]), oid]);
    expect(objects.header(number).size).toBe(data.length);
    expect(objects.read(number).data.equals(data)).toBe(true);
  }
}

/** Refs by name, or the error that was told. */
async function list(server: UploadPackV2): Promise<string[]> {
  const answer = await server.feed(encodeRequest('ls-refs', []));
  return decodePackets(answer).map(({ text }) => text);
}

test('objects of a pack that cannot be read come from another', () => {
  const source = createSource();
  const [pack] = packsOf(source);
  addPack(source, reachableObjects(source), ['--window=0']);
  const repository = Repository.open(source, new RepositoryCaches());
  expect(repository.objects.view.packCount).toBe(2);
  failReads('EIO', new RegExp(`${pack}\\.pack$`));
  expectAllReadable(source, repository);
  repository.close();
});

test('objects of a pack that a repack took away, and whose descriptor went stale, come from the new one', () => {
  const source = createSource();
  const repository = Repository.open(source, new RepositoryCaches());
  expect(repository.objects.view.packCount).toBe(1);
  git(source, ['repack', '-adfq', '--window=0']);
  failReads('ESTALE', /\.pack \(deleted\)$/);
  expectAllReadable(source, repository);
  repository.close();
});

test('an object that has no other copy: the error says what failed, and of which object', () => {
  const source = createSource();
  const repository = Repository.open(source, new RepositoryCaches());
  const { objects } = repository;
  const oid = git(source, ['rev-parse', 'main:file']);
  const number = objects.view.findHex(oid);
  failReads('EIO', /\.pack$/);
  const [pack] = packsOf(source);
  for (const read of [() => objects.read(number), () => objects.header(number)]) {
    const client = `unable to read ${oid} from ${pack}.pack: read failed: EIO`;
    expect(read).toThrow(expect.objectContaining({ code: 'PACKHORSE_IO', client }));
  }
  vi.restoreAllMocks();
  expectAllReadable(source, repository);
  repository.close();
});

test.each([
  ['no descriptor is left', 'EMFILE'],
  // A repack may be as fast as that.
  ['packs are gone each time that they are opened', 'ENOENT'],
])('no ref vanishes from a listing where %s', async (_, code) => {
  const source = createSource();
  const server = new UploadPackV2(source);
  failOpens(code, /\.pack$/);
  expect(await list(server)).toEqual([
    expect.stringMatching(`^ERR unable to read .*: open failed: ${code}$`),
  ]);
  vi.restoreAllMocks();
  expect(await list(server)).toHaveLength(4);
  server.close();
});

test('no ref of a reftable vanishes where it cannot be read', async () => {
  const server = new UploadPackV2(copyFixture(temporaryDirectory(), 'reftable-sha1'));
  failReads('EIO', /\.ref$/);
  expect(await list(server)).toEqual([expect.stringMatching(/^ERR .*: read failed: EIO$/)]);
  vi.restoreAllMocks();
  expect(await list(server)).toHaveLength(expectedListing('reftable-sha1').split('\n').length);
  server.close();
});

test('bitmaps of our own stay where a pack of theirs cannot be opened', async () => {
  const source = createSource();
  const cache = temporaryDirectory();
  const ownBitmaps = new OwnBitmaps(cache);
  await new UploadPack(source).buildBitmaps(ownBitmaps, new Pace());
  const [old] = packsOf(source);
  const commit = git(source, ['commit-tree', '-p', 'main', '-m', 'new', 'main^{tree}']);
  git(source, ['update-ref', 'refs/heads/main', commit]);
  addPack(source, [commit]);
  fs.rmSync(path.join(source, 'objects', commit.slice(0, 2)), { recursive: true });
  const clone = async () => {
    const server = new UploadPackV2(source, { ownBitmaps });
    const { statistics } = await server.feed(encodeRequest('fetch', [`want ${commit}`, 'done']), () => {});
    server.close();
    return statistics;
  };
  failOpens('EMFILE', new RegExp(`${old}\\.pack$`));
  expect((await clone()).bitmap).not.toBe('used');
  vi.restoreAllMocks();
  expect(fs.readdirSync(path.join(cache, 'bitmaps'))).toHaveLength(1);
  expect((await clone()).bitmap).toBe('used');
});
