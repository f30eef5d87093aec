/** Damage takes neither memory nor time: what a file claims is looked at before it is believed. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { readPack } from '../../src/pack/read-pack.ts';
import { applyDelta, checkDeltaHeader } from '../../src/repository/apply-delta.ts';
import { parseConfig } from '../../src/repository/config.ts';
import { parseBoolean, parseSize } from '../../src/repository/config-value.ts';
import { findGitDirectory } from '../../src/repository/git-directory.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { withTrailer } from '../fuzz/checksums.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { blobId, encodeDelta, type HandmadeEntry, storeHandmadePack } from '../support/handmade-pack.ts';
import { overwrite, packFile } from '../support/packs.ts';
import { encodeRequest } from '../support/requests.ts';
import { expectCorrupt } from './corrupt.ts';
import { initBare, makeHistory } from './history.ts';
import { listRefs, openRefs } from './list-refs.ts';

const MIB = 2 ** 20;

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
  initBare(directory);
});

/** Bytes of buffers that came while `run` ran. */
function memoryTaken(run: () => void): number {
  const before = process.memoryUsage().arrayBuffers;
  run();
  return process.memoryUsage().arrayBuffers - before;
}

function open(): Repository {
  return Repository.open(directory, new RepositoryCaches());
}

describe('a delta', () => {
  const base = Buffer.alloc(1000, 'base');
  /** Says that it makes some GiB of the base, by copies that do not add up to that. */
  const liar = (bytes: number) =>
    Buffer.concat([varint(base.length), varint(bytes), Buffer.from([0x90, 99])]);

  it('that claims to make much of little is refused before memory is taken', () => {
    expectCorrupt(() => checkDeltaHeader(liar(3 * 2 ** 30), base.length));
    expectCorrupt(() => checkDeltaHeader(liar(2 ** 50), base.length));
    expectCorrupt(() => checkDeltaHeader(encodeDelta(999, []), base.length));
  });

  it('that makes much of little is taken at its word', () => {
    const steps = Array.from({ length: 200 }, () => ({ copy: [0, 1000] as const }));
    const delta = encodeDelta(base.length, [...steps, { insert: Buffer.from('end') }]);
    const result = Buffer.alloc(checkDeltaHeader(delta, base.length).resultSize);
    applyDelta(base, delta, result);
    expect(result.equals(Buffer.concat([...Array<Buffer>(200).fill(base), Buffer.from('end')]))).toBe(true);
  });

  it('of a pack takes no more, whoever reads it', () => {
    const delta = liar(3 * 2 ** 30);
    const pack = packOf([entry(3, base), entry(7, delta, Buffer.from(blobId(base), 'hex'))]);
    expect(memoryTaken(() => expectCorrupt(() => readPack(pack)))).toBeLessThan(MIB);
  });

  it('may come before its base, and that before its own', () => {
    const contents = Array.from({ length: 500 }, (_, i) => Buffer.from(`content ${i}`));
    const deltas = contents.slice(1).map((content, i) => {
      const steps = [{ insert: content }];
      return entry(7, encodeDelta(contents[i].length, steps), Buffer.from(blobId(contents[i]), 'hex'));
    });
    const found = readPack(packOf([...deltas.reverse(), entry(3, contents[0])]));
    expect(found.map(({ oid }) => oid)).toEqual(contents.map(blobId).reverse());
  });
});

it('an index that puts objects beyond the end of a pack does not make it longer', () => {
  const contents = ['a', 'b', 'c'].map((letter) => Buffer.alloc(400, letter));
  const entries = contents.map((data): HandmadeEntry => ({ type: 'blob', data }));
  const name = storeHandmadePack(directory, entries);
  const file = packFile(directory, name, 'idx');
  const index = fs.readFileSync(file);
  const offsets = 1032 + 3 * 24;
  const last = [0, 1, 2].sort(
    (a, b) => index.readUInt32BE(offsets + a * 4) - index.readUInt32BE(offsets + b * 4),
  )[2];
  overwrite(file, offsets + last * 4, Buffer.from('7fffff00', 'hex'));
  fs.rmSync(packFile(directory, name, 'rev'), { force: true });
  const { objects } = open();
  const numbers = contents.map((data) => objects.view.findHex(blobId(data)));
  const taken = memoryTaken(() => {
    // The one before has all the rest for its own: what follows its stream is not looked at.
    for (const number of numbers.slice(0, 2)) expect(objects.read(number).data.length).toBe(400);
    expectCorrupt(() => objects.read(numbers[2]));
  });
  expect(taken).toBeLessThan(4 * MIB);
});

describe('a loose ref', () => {
  beforeEach(() => {
    makeHistory(directory, { commits: 1, files: 1 });
    fs.mkdirSync(path.join(directory, 'refs/heads'), { recursive: true });
  });

  it.each([
    ['megabytes of blanks', (file: string) => fs.writeFileSync(file, `ref: ${' '.repeat(4 * MIB)}x\n`)],
    ['a pipe that no one writes to', (file: string) => execFileSync('mkfifo', [file])],
  ])('that is %s is no ref', async (_, make) => {
    make(path.join(directory, 'refs/heads/strange'));
    expect((await listRefs(openRefs(directory))).map(({ name }) => name)).toEqual(['refs/heads/main']);
  });

  it('may have a target whose last byte is a blank elsewhere', async () => {
    git(directory, ['update-ref', 'refs/heads/voilà', 'main']);
    git(directory, ['symbolic-ref', 'refs/heads/there', 'refs/heads/voilà']);
    const target = Buffer.from('refs/heads/voilà').toString('latin1');
    expect(openRefs(directory).resolve('refs/heads/there')).toMatchObject({ target });
    expect(openRefs(directory).resolve('refs/heads/there')?.oid).toBe(git(directory, ['rev-parse', 'main']));
  });
});

it('a gitfile of many lines is none', () => {
  fs.writeFileSync(path.join(directory, 'gitfile'), `gitdir: ${'\n'.repeat(MIB / 2)}x`);
  expect(findGitDirectory(path.join(directory, 'gitfile'))).toBeUndefined();
});

it('a tag that points at itself is damaged', async () => {
  const oid = 'ab'.repeat(20);
  const content = `object ${oid}\ntype tag\ntag x\n\n`;
  fs.mkdirSync(path.join(directory, 'objects/ab'));
  const stored = zlib.deflateSync(`tag ${content.length}\0${content}`);
  fs.writeFileSync(path.join(directory, `objects/ab/${oid.slice(2)}`), stored);
  const request = encodeRequest('fetch', [`want ${oid}`, 'done']);
  const { error } = await new UploadPackV2(directory).feed(request, () => {});
  expect(error).toMatchObject({ code: 'PACKHORSE_REPOSITORY_CORRUPT' });
});

describe('a configuration', () => {
  const refused = expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_UNSUPPORTED' });

  it.each([
    ['a value', (length: number) => `[a]\nb = ${'x'.repeat(length)}\n`],
    ['line ends', (length: number) => '\n'.repeat(length)],
    ['comments', (length: number) => '#\n'.repeat(length / 2)],
  ])('is read up to a size at which the stack holds, and not beyond: %s', (_, make) => {
    expect(() => parseConfig(make(4 * MIB - 20))).not.toThrow();
    fs.appendFileSync(path.join(directory, 'config'), make(4 * MIB));
    expect(open).toThrow(expect.objectContaining({ message: expect.stringContaining('larger than') }));
  });

  it('may be a device without content', () => {
    fs.appendFileSync(path.join(directory, 'config'), '[include]\n\tpath = /dev/null\n');
    expect(open().config.get('include.path')).toBe('/dev/null');
  });

  it('has no numbers of a million digits', () => {
    expect(parseSize('9'.repeat(MIB))).toBe('out of range');
    expect(parseSize(`0x${'0'.repeat(MIB)}10k`)).toBe(16384);
    expect(parseBoolean(`0${'0'.repeat(MIB)}`)).toBe(false);
  });

  it('does not include files a thousand million times', () => {
    const include = (name: string) => `[include]\n\tpath = ${name}\n`;
    for (let i = 0; i < 9; i++)
      fs.writeFileSync(path.join(directory, `c${i}`), include(`c${i + 1}`).repeat(10));
    fs.writeFileSync(path.join(directory, 'c9'), '[a]\n');
    fs.appendFileSync(path.join(directory, 'config'), include('c0'));
    expect(open).toThrow(refused);
  });

  it('has no conditions that take long to hold', () => {
    fs.appendFileSync(
      path.join(directory, 'config'),
      `[includeIf "gitdir:${'*a'.repeat(600)}"]\n\tpath = x\n`,
    );
    expect(open).toThrow(refused);
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** @param base what stands between the header and the stream */
function entry(type: number, content: Buffer, base: Buffer = Buffer.alloc(0)): Buffer {
  const size = varint(content.length >> 4);
  const head = Buffer.from([(type << 4) | (content.length & 15) | 128]);
  return Buffer.concat([head, size, base, zlib.deflateSync(content)]);
}

function packOf(entries: readonly Buffer[]): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(entries.length, 8);
  return withTrailer(Buffer.concat([head, ...entries, Buffer.alloc(20)]));
}
