/** Deltas are found where git finds them, and the packs made with them are whole. */
import fs from 'node:fs';
import { expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { DeltaCandidates } from '../../src/pack/delta-candidates.ts';
import { remakeDelta, searchDeltas } from '../../src/pack/delta-search.ts';
import { Pace } from '../../src/pack/pace.ts';
import { applyDelta } from '../../src/repository/apply-delta.ts';
import { BLOB } from '../../src/repository/object-format.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { addCommit, createRepository, History, noise } from '../support/history.ts';
import { storedEntries } from '../support/packs.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

const OPTIONS = { window: 10, depth: 50, level: -1 };

/** A text of its own for each seed, 12 KB; versions differ in a line. */
function text(seed: number, version = 0): string {
  const lines = noise(6000, seed).toString('hex').match(/.{40}/g)!;
  lines[(version * 7) % lines.length] = `version ${version}`;
  return lines.join('\n');
}

function open(directory: string): Repository {
  return Repository.open(directory, new RepositoryCaches());
}

/** Blobs of a repository, loose, by content. */
function loose(contents: readonly (string | Buffer)[]) {
  const directory = createRepository(temporaryDirectory(), 'r');
  const ids = contents.map((input) => git(directory, ['hash-object', '-w', '--stdin'], { input }));
  const repository = open(directory);
  return { repository, numbers: ids.map((id) => repository.objects.view.findHex(id)) };
}

interface Target {
  readonly hash: number;
  readonly content: string | Buffer;
  readonly pack?: number;
  readonly above?: number;
  /** The client has it. */
  readonly had?: boolean;
}

/** Searches; the result has the place of each target's base. */
async function search(targets: readonly Target[], options = OPTIONS) {
  const { repository, numbers } = loose(targets.map(({ content }) => content));
  const candidates = new DeltaCandidates();
  targets.forEach(({ hash, content, pack = -1, above = 0, had }, i) => {
    if (had) candidates.addBase(numbers[i], BLOB, hash);
    else candidates.addTarget(numbers[i], BLOB, hash, content.length, pack, above);
  });
  const found = await searchDeltas(repository.objects, candidates, options, new Pace());
  for (const [number, made] of found) {
    const i = numbers.indexOf(number);
    const delta = remakeDelta(repository.objects, number, made);
    const base = Buffer.from(targets[numbers.indexOf(made.base)].content as string);
    const into = Buffer.alloc(targets[i].content.length);
    applyDelta(base, delta, into);
    expect(into.equals(Buffer.from(targets[i].content as string))).toBe(true);
  }
  const bases = numbers.map((number) => {
    const made = found.get(number);
    return made ? numbers.indexOf(made.base) : -1;
  });
  return { bases, made: numbers.map((number) => found.get(number)) };
}

it('takes what the client has at the same path', async () => {
  const { bases } = await search([
    { hash: 1, content: text(1, 1) },
    { hash: 2, content: text(2, 1) },
    { hash: 2, content: text(2, 2), had: true },
    { hash: 1, content: text(1, 2), had: true },
  ]);
  expect(bases).toEqual([3, 2, -1, -1]);
});

it('takes what it has at another path where there is nothing at the same', async () => {
  const { bases } = await search([
    { hash: 1, content: text(1, 1) },
    { hash: 2, content: text(1, 2), had: true },
    { hash: 3, content: text(3) },
  ]);
  expect(bases).toEqual([1, -1, -1]);
});

it('does not try again what a pack holds whole side by side', async () => {
  const pair = (pack: number) => [
    { hash: 1, content: text(1, 1), pack: 1 },
    { hash: 1, content: text(1, 2), pack },
    { hash: 9, content: text(9), pack: 3 },
  ];
  expect((await search(pair(1))).bases).toEqual([-1, -1, -1]);
  expect((await search(pair(2))).bases.filter((base) => base >= 0)).toHaveLength(1);
});

it('makes chains of no more than the depth, those that stand on them counted', async () => {
  const versions = (above: number) =>
    Array.from({ length: 12 }, (_, i) => ({ hash: 1, content: text(1, i) + 'x'.repeat(12 - i), above }));
  const deepest = (bases: readonly number[]) => {
    const depth = (i: number): number => (bases[i] < 0 ? 0 : 1 + depth(bases[i]));
    return Math.max(...bases.map((_, i) => depth(i)));
  };
  const { bases } = await search(versions(0), { ...OPTIONS, depth: 3 });
  expect(bases.filter((base) => base < 0)).toHaveLength(1);
  expect(deepest(bases)).toBeLessThanOrEqual(3);
  expect(deepest((await search(versions(2), { ...OPTIONS, depth: 3 })).bases)).toBe(1);
  expect(deepest((await search(versions(3), { ...OPTIONS, depth: 3 })).bases)).toBe(0);
  expect(deepest((await search(versions(0), { ...OPTIONS, window: 1 })).bases)).toBe(0);
});

it('keeps small deltas, and makes large ones again', async () => {
  const large = noise(600_000, 1);
  const { bases, made } = await search([
    { hash: 1, content: large, had: true },
    { hash: 1, content: Buffer.concat([large, noise(200_000, 2)]) },
    { hash: 2, content: text(2, 1), had: true },
    { hash: 2, content: text(2, 2) },
  ]);
  expect(bases).toEqual([-1, 0, -1, 2]);
  expect(made[1]!.stream).toBeUndefined();
  expect(made[3]!.stream!.length).toBeLessThan(100);
});

it('leaves out what is too large, or is stored as a delta of it', async () => {
  const large = Buffer.concat([Buffer.from(text(1)), noise(5 * 2 ** 20, 1)]);
  const { bases } = await search([
    { hash: 1, content: large, had: true },
    { hash: 1, content: text(1) },
    { hash: 1, content: Buffer.concat([large, large]) },
  ]);
  expect(bases).toEqual([-1, -1, -1]);
  const { repository, numbers } = loose([text(1, 1)]);
  const { objects } = repository;
  expect(objects.readSmall(numbers[0], 1000)).toBeUndefined();
  expect(objects.readSmall(numbers[0], 100_000)!.data).toEqual(Buffer.from(text(1, 1)));
});

it('reads a packed object only as far as nothing large is needed for it', () => {
  const directory = createRepository(temporaryDirectory(), 'r');
  const history = new History();
  const [first, last] = [text(1).repeat(4), text(1)];
  history.commit({ branch: 'main', files: { a: first } });
  history.commit({ branch: 'main', files: { a: last } });
  history.importInto(directory);
  git(directory, ['repack', '-adfq']);
  const { objects } = open(directory);
  const [large, small] = ['main~1:a', 'main:a'].map((name) => git(directory, ['rev-parse', name]));
  expect(git(directory, ['cat-file', '--batch-check=%(deltabase)'], { input: small })).toBe(large);
  expect(objects.readSmall(objects.view.findHex(small), last.length + 100)).toBeUndefined();
  expect(objects.readSmall(objects.view.findHex(small), first.length)!.data).toEqual(Buffer.from(last));
});

it('leaves out what is damaged or gone', async () => {
  const { repository, numbers } = loose([text(1, 1), text(1, 2), text(1, 3)]);
  const { view } = repository.objects;
  const gone = view.looseFile(numbers[1])!;
  fs.rmSync(gone);
  const candidates = new DeltaCandidates();
  candidates.addTarget(numbers[0], BLOB, 1, text(1, 1).length, -1, 0);
  candidates.addBase(numbers[1], BLOB, 1);
  candidates.addBase(numbers[2], BLOB, 1);
  const found = await searchDeltas(repository.objects, candidates, OPTIONS, new Pace());
  expect([...found.keys()]).toEqual([numbers[0]]);
  expect(found.get(numbers[0])!.base).toBe(numbers[2]);
});

it('answers a fetch with a pack as small as git makes it, the same each time', async () => {
  const directory = createRepository(temporaryDirectory(), 'r');
  const names = Array.from({ length: 30 }, (_, i) => `dir${i % 4}/file${i}`);
  const history = new History();
  history.commit({ branch: 'main', files: Object.fromEntries(names.map((name, i) => [name, text(i)])) });
  history.importInto(directory);
  for (let version = 1; version < 6; version++) {
    addCommit(directory, 'main', { [names[version]]: text(version, version), [names[0]]: text(0, version) });
    if (version === 3) git(directory, ['repack', '-adq']);
  }
  const id = (name: string) => git(directory, ['rev-parse', name]);
  const ask = ['ofs-delta', `want ${id('main')}`, `have ${id('main~5')}`, 'done'];
  for (const args of [['thin-pack', ...ask], ask, ['thin-pack', ...ask.slice(1)]]) {
    const request = encodeRequest('fetch', args);
    const server = new UploadPackV2(directory);
    const { pack } = parseFetchAnswer(await server.feed(request));
    expect(parseFetchAnswer(await server.feed(request)).pack.equals(pack)).toBe(true);
    const env = { ...process.env, GIT_PROTOCOL: 'version=2' };
    const expected = parseFetchAnswer(
      gitBytes(directory, ['upload-pack', '--stateless-rpc', '.'], { env, input: request }),
    ).pack;
    expect(pack.length).toBeLessThan(expected.length * 1.1);
    const client = createRepository(temporaryDirectory(), 'client');
    git(client, ['fetch', '-q', directory, `${id('main~5')}:refs/heads/old`]);
    git(client, ['index-pack', '--strict', '--fix-thin', '--stdin'], { input: pack });
    git(client, ['update-ref', 'refs/heads/main', id('main')]);
    git(client, ['fsck', '--full', '--strict']);
  }
});

it('puts every base before its deltas, loose ones too', async () => {
  const directory = createRepository(temporaryDirectory(), 'r');
  const history = new History();
  history.commit({ branch: 'main', files: { first: 'first\n' } });
  history.importInto(directory);
  for (let version = 0; version < 4; version++) {
    const files = Array.from({ length: 6 }, (_, i) => [`file${i}`, text(i, version)]);
    addCommit(directory, 'main', Object.fromEntries(files));
  }
  const id = (name: string) => git(directory, ['rev-parse', name]);
  const request = encodeRequest('fetch', [`want ${id('main')}`, `have ${id('main~4')}`, 'done']);
  const { pack } = parseFetchAnswer(await new UploadPackV2(directory).feed(request));
  const client = createRepository(temporaryDirectory(), 'client');
  git(client, ['index-pack', '--stdin'], { input: pack });
  const entries = storedEntries(client);
  const offsets = new Map(entries.map(({ oid, offset }) => [oid, offset]));
  const deltas = entries.filter(({ base }) => base !== undefined);
  expect(deltas.length).toBeGreaterThan(15);
  for (const { base, offset } of deltas) expect(offsets.get(base!)).toBeLessThan(offset);
  for (const { base, offset } of deltas) expect(offsets.get(base!)).toBeLessThan(offset);
});
