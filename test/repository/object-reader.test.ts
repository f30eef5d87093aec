import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PackhorseError } from '../../src/errors.ts';
import { OBJECT_FORMATS, OFS_DELTA, REF_DELTA, TYPE_NAMES } from '../../src/repository/object-format.ts';
import type { ObjectReader } from '../../src/repository/object-reader.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { random as seeded } from '../support/history.ts';
import { expectCorrupt, flip } from './corrupt.ts';
import { initBare, makeHistory } from './history.ts';
import { showIndex, writeIndex } from './write-index.ts';

interface Stored {
  readonly oid: string;
  readonly type: string;
  readonly data: Buffer;
}

/** Every object of a repository, by `git cat-file --batch`. */
function readByGit(directory: string): Stored[] {
  const output = gitBytes(directory, ['cat-file', '--batch-all-objects', '--batch']);
  const objects: Stored[] = [];
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(10, at);
    const [oid, type, size] = output.toString('latin1', at, end).split(' ');
    const data = output.subarray(end + 1, end + 1 + Number(size));
    objects.push({ oid, type, data });
    at = end + 1 + Number(size) + 1;
  }
  return objects;
}

async function streamed(reader: ObjectReader, number: number): Promise<Buffer> {
  const slices: Buffer[] = [];
  for await (const slice of reader.stream(number)) slices.push(Buffer.from(slice));
  return Buffer.concat(slices);
}

/**
 * Reads every object in a mixed order, and compares it with git's.
 * @param streamEvery streams only some: rebuilding a long chain of deltas takes a file for each of them
 */
async function expectAsGit(
  directory: string,
  { caches = new RepositoryCaches(), streamEvery = 1 } = {},
): Promise<void> {
  const objects = readByGit(directory);
  expect(objects.length).toBeGreaterThan(0);
  const repository = Repository.open(directory, caches);
  const reader = repository.objects;
  const random = seeded(7);
  const order = objects.map((object) => ({ object, key: random() })).sort((a, b) => a.key - b.key);
  for (const [i, { object }] of order.entries()) {
    const number = reader.view.findHex(object.oid);
    expect(number).toBeGreaterThanOrEqual(0);
    expect(reader.view.hex(number)).toBe(object.oid);
    const header = reader.header(number);
    expect([TYPE_NAMES[header.type], header.size]).toEqual([object.type, object.data.length]);
    const read = reader.read(number);
    expect(TYPE_NAMES[read.type]).toBe(object.type);
    expect(read.data.equals(object.data)).toBe(true);
    if (i % streamEvery === 0) {
      expect((await streamed(reader, number)).equals(object.data)).toBe(true);
    }
    expect(reader.span(number)).toBeGreaterThanOrEqual(object.data.length);
  }
  repository.close();
  caches.close();
}

function newRepository(commits = 60, files = 3, flags: readonly string[] = []): string {
  const directory = temporaryDirectory();
  initBare(directory, flags);
  makeHistory(directory, { commits, files });
  return directory;
}

function unpackAll(directory: string): void {
  const packs = path.join(directory, 'objects/pack');
  for (const name of fs.readdirSync(packs)) {
    const pack = path.join(packs, name);
    const data = fs.readFileSync(pack);
    fs.rmSync(pack);
    if (name.endsWith('.pack')) git(directory, ['unpack-objects', '-q'], { input: data });
  }
}

/** Types of the entries of all packs. */
function entryTypes(directory: string): Set<number> {
  const caches = new RepositoryCaches();
  const repository = Repository.open(directory, caches);
  const { view } = repository.objects;
  const types = new Set<number>();
  for (const { pack } of view.packs()) {
    for (let rank = 0; rank < pack.index.count; rank++) types.add(pack.header(rank).type);
  }
  repository.close();
  caches.close();
  return types;
}

/** Puts one pack with REF deltas in the place of all others. */
function repackWithRefDeltas(directory: string): void {
  const all = git(directory, ['rev-list', '--objects', '--all', '--no-object-names']);
  const pack = gitBytes(directory, ['pack-objects', '-q', '--stdout', '--window=50'], { input: all });
  const packs = path.join(directory, 'objects/pack');
  for (const name of fs.readdirSync(packs)) fs.rmSync(path.join(packs, name));
  git(directory, ['index-pack', '--stdin'], { input: pack });
}

describe('every object reads as git reads it', () => {
  test('loose', async () => {
    const directory = newRepository(20);
    unpackAll(directory);
    expect(readByGit(directory).length).toBeGreaterThan(60);
    await expectAsGit(directory);
  });

  test('packed, with OFS deltas in long chains', async () => {
    const directory = newRepository(300, 2);
    git(directory, ['repack', '-adfq', '--depth=250', '--window=250']);
    expect(entryTypes(directory)).toContain(OFS_DELTA);
    await expectAsGit(directory, { streamEvery: 23 });
  });

  test('packed, with REF deltas', async () => {
    const directory = newRepository();
    repackWithRefDeltas(directory);
    expect(entryTypes(directory)).toContain(REF_DELTA);
    await expectAsGit(directory);
  });

  test('packed twice, and loose besides', async () => {
    const directory = newRepository();
    git(directory, ['repack', '-dq']);
    makeHistory(directory, { commits: 1, files: 3, seed: 2, branch: 'other' });
    git(directory, ['hash-object', '-w', '--stdin'], { input: 'loose' });
    git(directory, ['unpack-objects', '-q'], {
      input: gitBytes(directory, ['pack-objects', '-q', '--stdout', '--revs'], { input: 'main\n' }),
    });
    await expectAsGit(directory);
  });

  test('borrowed from an alternate, with deltas in both', async () => {
    const lender = newRepository();
    const directory = temporaryDirectory();
    git(directory, ['clone', '--quiet', '--bare', '--shared', lender, '.']);
    makeHistory(directory, { commits: 1, files: 1, seed: 3, branch: 'other' });
    git(directory, ['hash-object', '-w', '--stdin'], { input: 'own' });
    await expectAsGit(directory);
  });

  test('sha256', async () => {
    const directory = newRepository(30, 2, ['--object-format=sha256']);
    git(directory, ['repack', '-adfq']);
    git(directory, ['hash-object', '-w', '--stdin'], { input: 'loose' });
    await expectAsGit(directory);
  });

  test('with version 1 indexes', async () => {
    const directory = newRepository(30);
    git(directory, ['-c', 'pack.indexVersion=1', 'repack', '-adfq']);
    await expectAsGit(directory);
  });

  test('in caches that hold a fraction of it', async () => {
    const directory = temporaryDirectory();
    initBare(directory);
    const random = seeded(11);
    const stream: Buffer[] = [];
    for (let k = 0; k < 40; k++) {
      const data = Buffer.from(Array.from({ length: 30_000 }, () => random() * 256));
      // Each is a delta of the one before.
      for (let version = 0; version < 8; version++) {
        data.writeUInt32BE(version, Math.floor(random() * 29_000));
        stream.push(Buffer.from(`blob\ndata ${data.length}\n`), Buffer.from(data), Buffer.from('\n'));
      }
    }
    git(directory, ['-c', 'fastimport.unpackLimit=1', 'fast-import', '--quiet'], {
      input: Buffer.concat(stream),
    });
    expect(entryTypes(directory)).toContain(OFS_DELTA);
    const caches = new RepositoryCaches({ windows: 0, objects: 0, indexes: 0, answers: 0 });
    await expectAsGit(directory, { caches, streamEvery: 10 });
  });

  test.each([0, 1, 9])('blobs of every size, at compression level %i', async (level) => {
    const directory = temporaryDirectory();
    initBare(directory);
    git(directory, ['config', 'core.compression', `${level}`]);
    const random = seeded(level);
    const noise = Buffer.from(Array.from({ length: 1_200_000 }, () => random() * 256));
    for (const size of [0, 1, 10, 127, 128, 4095, 65_535, 65_536, 262_144, 300_000, 1_200_000]) {
      git(directory, ['hash-object', '-w', '--stdin'], { input: noise.subarray(0, size) });
      git(directory, ['hash-object', '-w', '--stdin'], { input: Buffer.alloc(size + 1, 'compressible ') });
    }
    await expectAsGit(directory);
    // Nothing points at the blobs, so they are named.
    const all = readByGit(directory)
      .map(({ oid }) => oid)
      .join('\n');
    git(
      directory,
      ['pack-objects', '-q', '--delta-base-offset', '--window=30', path.join(directory, 'objects/pack/pack')],
      {
        input: all,
      },
    );
    git(directory, ['prune-packed', '-q']);
    expect(entryTypes(directory)).toContain(OFS_DELTA);
    await expectAsGit(directory);
  });

  test('the empty tree, which no one stored', async () => {
    const directory = newRepository(1);
    const repository = Repository.open(directory, new RepositoryCaches());
    const number = repository.objects.view.findHex('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
    expect(repository.objects.header(number)).toEqual({ type: 2, size: 0 });
    expect(repository.objects.read(number).data).toHaveLength(0);
    expect(await streamed(repository.objects, number)).toHaveLength(0);
    repository.close();
  });
});

describe('while the repository changes', () => {
  test('a repack takes nothing from one who reads already', async () => {
    const directory = newRepository();
    unpackAll(directory);
    const objects = readByGit(directory);
    const repository = Repository.open(directory, new RepositoryCaches());
    const reader = repository.objects;
    const known = objects.map(({ oid }) => reader.view.findHex(oid));
    git(directory, ['repack', '-adq']);
    git(directory, ['prune-packed']);
    for (const [i, { data }] of objects.entries()) {
      expect(reader.read(known[i]).data.equals(data)).toBe(true);
      expect((await streamed(reader, known[i])).equals(data)).toBe(true);
    }
    repository.close();
  });

  test('a pack that is removed is read to its end, and from the next one after that', () => {
    const directory = newRepository();
    git(directory, ['repack', '-adq']);
    const objects = readByGit(directory);
    const caches = new RepositoryCaches();
    const before = Repository.open(directory, caches);
    const known = objects.map(({ oid }) => before.objects.view.findHex(oid));
    git(directory, ['repack', '-adfq', '--window=1', '--depth=1']);
    const after = Repository.open(directory, caches);
    for (const [i, { oid, data }] of objects.entries()) {
      expect(before.objects.read(known[i]).data.equals(data)).toBe(true);
      expect(after.objects.read(after.objects.view.findHex(oid)).data.equals(data)).toBe(true);
    }
    before.close();
    after.close();
    caches.close();
  });

  test('an object that came since is found by those who look again', () => {
    const directory = newRepository(1);
    const repository = Repository.open(directory, new RepositoryCaches());
    const { view } = repository.objects;
    const input = 'late';
    const oid = git(directory, ['hash-object', '--stdin'], { input });
    expect(view.findNow(oid)).toBe(-1);
    git(directory, ['hash-object', '-w', '--stdin'], { input });
    expect(view.findNow(oid)).toBeGreaterThanOrEqual(0);
    expect(repository.objects.read(view.findHex(oid)).data.toString()).toBe('late');
    repository.close();
  });

  test('no file stays open, whoever closes last', () => {
    const open = () => fs.readdirSync('/proc/self/fd').length;
    const directory = newRepository();
    const before = open();
    const caches = new RepositoryCaches();
    const one = Repository.open(directory, caches);
    const two = Repository.open(directory, caches);
    two.objects.view.findHex('0'.repeat(40));
    one.objects.view.findHex('0'.repeat(40));
    expect(open()).toBe(before + 1);
    one.close();
    // Housekeeping leaves alone what is in use; twice, as the first time only notes what was not asked for.
    for (let i = 0; i < 2; i++) caches.closeIdle();
    two.objects.view.rescan();
    expect(open()).toBe(before + 1);
    two.close();
    for (let i = 0; i < 2; i++) caches.closeIdle();
    expect(open()).toBe(before);
  });
});

describe('damage', () => {
  /** Reads every object in every way: the right content, or an error with the code for damage. */
  async function expectSoundOrCorrupt(directory: string, objects: readonly Stored[]): Promise<number> {
    const caches = new RepositoryCaches();
    const repository = Repository.open(directory, caches);
    const reader = repository.objects;
    let errors = 0;
    const attempt = async (read: () => Promise<Buffer> | Buffer, expected: Buffer) => {
      let data: Buffer;
      try {
        data = await read();
      } catch (error) {
        expect(error).toBeInstanceOf(PackhorseError);
        expect((error as PackhorseError).code).toBe('PACKHORSE_REPOSITORY_CORRUPT');
        errors++;
        return;
      }
      expect(data.equals(expected)).toBe(true);
    };
    for (const { oid, data } of objects) {
      const number = reader.view.findHex(oid);
      if (number < 0) {
        errors++;
        continue;
      }
      await attempt(() => reader.read(number).data, data);
      await attempt(() => streamed(reader, number), data);
    }
    repository.close();
    caches.close();
    return errors;
  }

  /** Directory, its objects, and the file of which a byte is to be damaged. */
  function packed(): { directory: string; objects: Stored[]; file: string } {
    const directory = newRepository(8, 2);
    git(directory, ['repack', '-adfq', '--window=20']);
    const packs = path.join(directory, 'objects/pack');
    const name = fs.readdirSync(packs).find((entry) => entry.endsWith('.pack'))!;
    return { directory, objects: readByGit(directory), file: path.join(packs, name) };
  }

  test('of any byte of a pack is an error or changes nothing', async () => {
    const { directory, objects, file } = packed();
    const sound = fs.readFileSync(file);
    fs.chmodSync(file, 0o644);
    let found = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        fs.writeFileSync(file, flip(sound, at, mask));
        found += await expectSoundOrCorrupt(directory, objects);
      }),
      { numRuns: 60 },
    );
    expect(found).toBeGreaterThan(60);
  });

  test('of a pack cut short is an error', async () => {
    const { directory, objects, file } = packed();
    const sound = fs.readFileSync(file);
    fs.chmodSync(file, 0o644);
    for (const length of [0, 11, 12, 31, 100, sound.length - 21, sound.length - 1]) {
      fs.writeFileSync(file, sound.subarray(0, length));
      expect(await expectSoundOrCorrupt(directory, objects)).toBeGreaterThan(0);
    }
  });

  test('of any byte of a loose object is an error or changes nothing', async () => {
    const directory = temporaryDirectory();
    initBare(directory);
    const oid = git(directory, ['hash-object', '-w', '--stdin'], {
      input: 'some text to damage, text to damage',
    });
    const objects = readByGit(directory);
    const file = path.join(directory, 'objects', oid.slice(0, 2), oid.slice(2));
    const sound = fs.readFileSync(file);
    fs.chmodSync(file, 0o644);
    let found = 0;
    for (let at = 0; at < sound.length; at++) {
      for (const mask of [1, 0x80, 0xff]) {
        fs.writeFileSync(file, flip(sound, at, mask));
        found += await expectSoundOrCorrupt(directory, objects);
      }
      fs.writeFileSync(file, sound.subarray(0, at));
      expect(await expectSoundOrCorrupt(directory, objects)).toBeGreaterThan(0);
    }
    expect(found).toBeGreaterThan(sound.length);
  });

  test.each([4, 6])('of a loose object that claims to hold %i bytes and holds 5', async (size) => {
    const directory = temporaryDirectory();
    initBare(directory);
    const oid = '1'.repeat(40);
    fs.mkdirSync(path.join(directory, 'objects/11'));
    fs.writeFileSync(
      path.join(directory, 'objects/11', oid.slice(2)),
      zlib.deflateSync(`blob ${size}\x0012345`),
    );
    const repository = Repository.open(directory, new RepositoryCaches());
    const number = repository.objects.view.findHex(oid);
    expectCorrupt(() => repository.objects.read(number));
    await expect(streamed(repository.objects, number)).rejects.toMatchObject({
      code: 'PACKHORSE_REPOSITORY_CORRUPT',
    });
    repository.close();
  });

  /** A repository with one pack, of these bytes and entries. */
  function withPack(pack: Buffer, entries: readonly { oid: string; offset: number }[]): string {
    const directory = temporaryDirectory();
    initBare(directory);
    const packs = path.join(directory, 'objects/pack');
    fs.writeFileSync(path.join(packs, 'pack-x.pack'), pack);
    fs.writeFileSync(path.join(packs, 'pack-x.idx'), writeIndex(entries, pack.subarray(-20)));
    return directory;
  }

  test('of a delta whose base is gone: the message names the object and the pack', async () => {
    const source = newRepository(8, 1);
    const input = 'main\n^main~1\n';
    const thin = gitBytes(source, ['pack-objects', '-q', '--stdout', '--thin', '--revs'], { input });
    const stem = path.join(source, 'fixed');
    git(source, ['index-pack', '--fix-thin', '--stdin', `${stem}.pack`], { input: thin });
    // The bases that git added stand behind what was in the thin pack.
    const entries = showIndex(fs.readFileSync(`${stem}.idx`), OBJECT_FORMATS.sha1);
    const directory = withPack(
      thin,
      entries.filter(({ offset }) => offset < thin.length - 20),
    );
    const blob = git(source, ['rev-parse', 'main:directory-0/file-0.txt']);
    const repository = Repository.open(directory, new RepositoryCaches());
    const number = repository.objects.view.findHex(blob);
    const error = expect.objectContaining({
      code: 'PACKHORSE_REPOSITORY_CORRUPT',
      message: expect.stringMatching(`${blob}.*pack-x\\.pack`),
    });
    expect(() => repository.objects.read(number)).toThrow(error);
    await expect(streamed(repository.objects, number)).rejects.toEqual(error);
    repository.close();
  });

  test.each([
    ['more than any memory', 2 ** 45],
    ['more than 4 GiB', 2 ** 32 + 5],
    ['one byte more', 6],
    ['one byte less', 4],
  ])('of an entry that claims to hold %s', (_, size) => {
    const header = [(2 << 4) | (size % 16) | (size > 15 ? 128 : 0)];
    for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
      header.push((rest % 128) | (rest > 127 ? 128 : 0));
    }
    const body = Buffer.concat([
      Buffer.from('PACK\0\0\0\x02\0\0\0\x01', 'latin1'),
      Buffer.from(header),
      zlib.deflateSync('12345'),
    ]);
    const pack = Buffer.concat([body, crypto.createHash('sha1').update(body).digest()]);
    const repository = Repository.open(
      withPack(pack, [{ oid: '1'.repeat(40), offset: 12 }]),
      new RepositoryCaches(),
    );
    const number = repository.objects.view.findHex('1'.repeat(40));
    expect(repository.objects.header(number).size).toBe(size);
    expectCorrupt(() => repository.objects.read(number));
    repository.close();
  });
});
