/** Damaged repositories: the client fails with a clear text and never gets a valid pack; other repositories go on. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { clone, expectSameRepository, refsOf } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, runGit } from '../support/git.ts';
import { applySteps, blobId, type DeltaStep, storeHandmadePack } from '../support/handmade-pack.ts';
import { commitBlobs, createRepository, History, noise, packsOf, unpackAll } from '../support/history.ts';
import { addPack, damage, entriesOf, overwrite, packFile } from '../support/packs.ts';
import { cloneRequest, post } from '../support/raw-client.ts';
import { parseFetchAnswer } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const HEALTHY = 'healthy.git';
let service: RunningService;

beforeAll(async () => {
  service = await startService(root, ['--workers', '1']);
  createSource(HEALTHY);
});

// One worker serves the healthy repository after every failure.
afterEach(async () => {
  expectSameRepository(path.join(root, HEALTHY), await clone(service, HEALTHY));
});

const BIG = noise(300_000, 1);

function createSource(name: string): string {
  const source = createRepository(root, name);
  const history = new History();
  history.commit({ branch: 'main', files: { big: BIG, small: 'small\n' } });
  history.commit({ branch: 'main', files: { 'dir/more': 'more\n' } });
  history.importInto(source);
  return source;
}

/** The failure of a clone, as a raw client and as git's user see it. */
async function expectFailure(name: string, request: string, text: RegExp): Promise<void> {
  const { status, body } = await post(service, name, request);
  expect(status).toBe(200);
  const inPack = body.includes('packfile\n');
  const { pack, error, complete } = inPack
    ? parseFetchAnswer(body)
    : { pack: Buffer.alloc(0), error: body.toString().replace(/^....ERR /, ''), complete: false };
  expect(error).toMatch(text);
  expect(complete).toBe(false);
  const empty = createRepository(temporaryDirectory(), 'empty.git');
  expect(() => git(empty, ['index-pack', '--stdin'], { input: pack })).toThrow();
  const target = path.join(temporaryDirectory(), 'clone');
  const result = await runGit(root, ['clone', '--mirror', `${service.url}/${name}`, target]);
  expect(result.code).not.toBe(0);
  expect(result.stderr).toMatch(text);
  // The operator sees a failure of the service, not a mistake of the client.
  const line = await service.logged(
    ({ repository, outcome }) => repository === name && outcome !== undefined && outcome !== 'ok',
  );
  expect(line).toMatchObject({ outcome: 'error' });
  expect(line.error.code).toMatch(/^PACKHORSE_(REPOSITORY_CORRUPT|OBJECT_MISSING)$/);
}

function entryOf(source: string, revision: string) {
  const oid = git(source, ['rev-parse', revision]);
  const [pack] = packsOf(source);
  const entry = entriesOf(source, pack).find((candidate) => candidate.oid === oid)!;
  return { ...entry, file: packFile(source, pack) };
}

test('a byte flipped in a packed blob', async () => {
  const source = createSource('flipped-blob.git');
  const request = cloneRequest(source);
  const { file, offset, length, oid } = entryOf(source, 'main:big');
  damage(file, offset + Math.floor(length / 2));
  await expectFailure('flipped-blob.git', request, new RegExp(`unable to read ${oid}: .*corrupt`));
});

test('a byte flipped where an index of version 1 has no checksum to tell: the client notices', async () => {
  const source = createSource('flipped-v1.git');
  git(source, ['-c', 'pack.indexVersion=1', 'repack', '-adf', '--quiet']);
  const { file, offset, length } = entryOf(source, 'main:big');
  damage(file, offset + Math.floor(length / 2));
  await expect(clone(service, 'flipped-v1.git')).rejects.toThrow(/inflate|unable to read/);
});

test('a byte flipped in the header of an entry', async () => {
  const source = createSource('flipped-header.git');
  const request = cloneRequest(source);
  const { file, offset, oid } = entryOf(source, 'main:big');
  // The lowest bits of the size: what git would notice at once if it were sent.
  damage(file, offset + 1);
  const { error, complete } = parseFetchAnswer((await post(service, 'flipped-header.git', request)).body);
  expect(error).toMatch(new RegExp(`unable to read ${oid}`));
  expect(complete).toBe(false);
  await expect(clone(service, 'flipped-header.git')).rejects.toThrow(/fatal/);
});

test.each(['commit', 'tree'])('a byte flipped in a packed %s', async (type) => {
  const source = createSource(`flipped-${type}.git`);
  const request = cloneRequest(source);
  const { file, offset, length, oid } = entryOf(source, `main~1^{${type}}`);
  damage(file, offset + Math.floor(length / 2));
  await expectFailure(`flipped-${type}.git`, request, new RegExp(`unable to read ${oid}`));
});

// Protocol section 5.11.
test('a bad copy beside a good one: the good one is sent', async () => {
  const source = createSource('two-copies.git');
  const big = git(source, ['rev-parse', 'main:big']);
  const { file, offset, length } = entryOf(source, 'main:big');
  addPack(source, [big]);
  damage(file, offset + Math.floor(length / 2));
  // Stock git finds the good one.
  git(source, ['cat-file', 'blob', big]);
  const mirror = await clone(service, 'two-copies.git');
  expect(git(mirror, ['rev-parse', 'main:big'])).toBe(big);
});

test('a delta whose base is not there', async () => {
  const source = createRepository(root, 'no-base.git');
  const steps: DeltaStep[] = [{ copy: [0, 5000] }, { insert: Buffer.from('end') }];
  const pack = storeHandmadePack(source, [
    { type: 'blob', data: BIG },
    { base: blobId(BIG), baseSize: BIG.length, steps },
  ]);
  const oid = blobId(applySteps(BIG, steps));
  commitBlobs(source, 'main', { delta: oid });
  const request = cloneRequest(source);
  const { offset } = entriesOf(source, pack).find((entry) => entry.oid === oid)!;
  // The id of the base stands behind the entry's header, which has two bytes here at most.
  const file = packFile(source, pack);
  const at = fs.readFileSync(file).indexOf(Buffer.from(blobId(BIG), 'hex'), offset);
  overwrite(file, at, Buffer.alloc(20, 0x11));
  await expectFailure('no-base.git', request, new RegExp(`unable to read ${oid}: .*base`));
});

test('a truncated pack', async () => {
  const source = createSource('short-pack.git');
  const request = cloneRequest(source);
  const [pack] = packsOf(source);
  const file = packFile(source, pack);
  fs.chmodSync(file, 0o644);
  fs.truncateSync(file, fs.statSync(file).size - 1000);
  await expectFailure('short-pack.git', request, /does not match its index|not our ref/);
});

test('a pack that is cut short while its worker has it open', async () => {
  const source = createSource('shrunk-pack.git');
  const request = cloneRequest(source);
  await clone(service, 'shrunk-pack.git');
  const [pack] = packsOf(source);
  const file = packFile(source, pack);
  fs.chmodSync(file, 0o644);
  fs.truncateSync(file, 100_000);
  await expectFailure('shrunk-pack.git', request, /unable to read|not match|not our ref|corrupt/);
});

test.each([
  ['shorter', (file: string) => fs.truncateSync(file, 1500)],
  ['of a version that is not known', (file: string) => overwrite(file, 4, Buffer.from([0, 0, 0, 9]))],
  ['whose fanout falls', (file: string) => overwrite(file, 8, Buffer.alloc(4, 0xff))],
  ['empty', (file: string) => fs.truncateSync(file, 0)],
])('an index that is %s', async (what, harm) => {
  const name = `index-${what.replaceAll(' ', '-')}.git`;
  const source = createSource(name);
  const request = cloneRequest(source);
  const [pack] = packsOf(source);
  const file = packFile(source, pack, 'idx');
  fs.chmodSync(file, 0o644);
  harm(file);
  await expectFailure(name, request, /not a pack index|not our ref/);
});

test('a mirror does not take the refs of a damaged repository for deleted ones', async () => {
  const source = createSource('mirrored.git');
  const mirror = path.join(temporaryDirectory(), 'mirror');
  git(root, ['clone', '--quiet', '--mirror', source, mirror]);
  git(mirror, ['remote', 'set-url', 'origin', `${service.url}/mirrored.git`]);
  const before = refsOf(mirror);
  const file = packFile(source, packsOf(source)[0], 'idx');
  fs.chmodSync(file, 0o644);
  fs.truncateSync(file, 1500);
  await runGit(mirror, ['fetch', '--prune', 'origin']);
  expect(refsOf(mirror)).toEqual(before);
});

test('a damaged loose blob: the client is told its id, but not where the server keeps it', async () => {
  const source = createSource('bad-loose.git');
  const request = cloneRequest(source);
  unpackAll(source);
  const oid = git(source, ['rev-parse', 'main:big']);
  damage(path.join(source, 'objects', oid.slice(0, 2), oid.slice(2)), 5000);
  await expectFailure('bad-loose.git', request, new RegExp(`(?<!/.*)${oid}`));
  const { body } = await post(service, 'bad-loose.git', request);
  expect(body.includes(root)).toBe(false);
});

test('a loose object under the id of another', async () => {
  const source = createSource('wrong-loose.git');
  const request = cloneRequest(source);
  unpackAll(source);
  const file = (revision: string) => {
    const oid = git(source, ['rev-parse', revision]);
    return path.join(source, 'objects', oid.slice(0, 2), oid.slice(2));
  };
  const [from, to] = [file('main:small'), file('main:big')];
  fs.rmSync(to);
  fs.copyFileSync(from, to);
  const { body } = await post(service, 'wrong-loose.git', request);
  const target = path.join(temporaryDirectory(), 'clone');
  const result = await runGit(root, ['clone', '--mirror', `${service.url}/wrong-loose.git`, target]);
  expect(result.code).not.toBe(0);
  expect(body.length).toBeGreaterThan(0);
});

test.each(['blob', 'tree', 'commit'])('a missing %s', async (type) => {
  const source = createSource(`missing-${type}.git`);
  const request = cloneRequest(source);
  unpackAll(source);
  const revision = type === 'blob' ? 'main:big' : `main~1^{${type}}`;
  const oid = git(source, ['rev-parse', revision]);
  fs.rmSync(path.join(source, 'objects', oid.slice(0, 2), oid.slice(2)));
  await expectFailure(`missing-${type}.git`, request, new RegExp(`unable to read ${oid}`));
});
