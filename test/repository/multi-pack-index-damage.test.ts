import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { OBJECT_FORMATS } from '../../src/repository/object-format.ts';
import { inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture } from '../support/fixtures.ts';
import { git } from '../support/git.ts';
import { packFile } from '../support/packs.ts';
import { flip } from './corrupt.ts';
import { edited, type Parts, sealed } from './edit-multi-pack-index.ts';
import {
  chainDirectory,
  expectNumbers,
  makeRepository,
  midxFile,
  read,
  readSound,
} from './read-multi-pack-index.ts';

const { sha1 } = OBJECT_FORMATS;
describe('a multi-pack-index is ignored, with a reason,', () => {
  let repository: string;
  let good: Buffer;
  beforeAll(() => {
    repository = makeRepository();
    good = fs.readFileSync(midxFile(repository));
    fs.chmodSync(midxFile(repository), 0o644);
  });

  function expectIgnored(data: Buffer, reason: string): void {
    fs.writeFileSync(midxFile(repository), data);
    const { indexed, problems } = read(repository);
    expect(indexed).toBeUndefined();
    expect(problems).toEqual([expect.stringMatching(/multi-pack-index: ./)]);
    expect(problems[0]).toContain(reason);
  }

  test('when a bit has changed', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(7), (at, bit) => {
        expectIgnored(flip(good, at, 1 << bit), '');
      }),
      { numRuns: 60 },
    );
    expectIgnored(flip(good, good.length - 100, 1), 'its checksum is wrong');
  });

  test('when it was cut short', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), (length) => {
        expectIgnored(good.subarray(0, length), '');
      }),
      { numRuns: 60, examples: [[0], [11], [12], [32]] },
    );
  });

  /** Changes a number of a chunk. */
  const write = (chunk: string, at: number, value: (old: number) => number) => (parts: Parts) => {
    const data = parts.chunks.get(chunk)!;
    const from = at < 0 ? data.length + at : at;
    data.writeUInt32BE(value(data.readUInt32BE(from)) >>> 0, from);
  };
  const cut = (chunk: string) => (parts: Parts) => {
    parts.chunks.set(chunk, parts.chunks.get(chunk)!.subarray(4));
  };
  const byte = (at: number, value: number) => (parts: Parts) => {
    parts.header[at] = value;
  };
  const rename = ({ chunks }: Parts) => {
    chunks.get('PNAM')!.write('x', 8);
  };
  const swapIds = ({ chunks }: Parts) => {
    const ids = chunks.get('OIDL')!;
    const last = ids.length - 20;
    const moved = Buffer.from(ids.subarray(last));
    ids.copy(ids, last, last - 20, last);
    moved.copy(ids, last - 20);
  };
  /** As if it had been written before an object came into a pack. */
  const forget = ({ chunks }: Parts) => {
    chunks.set('OIDL', chunks.get('OIDL')!.subarray(0, -20));
    chunks.set('OOFF', chunks.get('OOFF')!.subarray(0, -8));
    chunks.delete('RIDX');
    const fanout = chunks.get('OIDF')!;
    const count = fanout.readUInt32BE(1020);
    for (let at = 0; at < 1024; at += 4) {
      if (fanout.readUInt32BE(at) === count) fanout.writeUInt32BE(count - 1, at);
    }
  };

  test.each<[string, string, (parts: Parts) => void]>([
    ['of another kind of file', 'signature', byte(0, 0x6d)],
    ['of a version that is not known', 'version 3', byte(4, 3)],
    ['of another object format', 'object format', byte(5, 2)],
    ['that says it has more packs than names', 'PNAM', byte(11, 9)],
    ['that names a pack that is not there', 'is not there', rename],
    ['without names', 'PNAM', ({ chunks }) => void chunks.delete('PNAM')],
    ['without a fanout table', 'OIDF', ({ chunks }) => void chunks.delete('OIDF')],
    ['without ids', 'OIDL', ({ chunks }) => void chunks.delete('OIDL')],
    ['without offsets', 'OOFF', ({ chunks }) => void chunks.delete('OOFF')],
    ['with names cut short', 'PNAM', ({ chunks }) => void chunks.set('PNAM', Buffer.alloc(4))],
    ['with a fanout table cut short', 'OIDF', cut('OIDF')],
    ['with ids cut short', 'OIDL', cut('OIDL')],
    ['with offsets cut short', 'OOFF', cut('OOFF')],
    ['with an order cut short', 'RIDX', cut('RIDX')],
    ['with a falling fanout table', 'fanout', write('OIDF', 0, () => 2 ** 31)],
    ['with a fanout table that leads astray', 'not in order', write('OIDF', 400, (n) => n + 1)],
    ['with ids that are not in order', 'not in order', swapIds],
    ['with an offset that is not an entry', 'does not agree with pack-', write('OOFF', 4, (n) => n + 1)],
    [
      'with an object in a pack that lacks it',
      'does not agree with pack-',
      write('OOFF', 0, (n) => (n + 1) % 4),
    ],
    ['with a pack that it does not have', 'too large', write('OOFF', -8, () => 4)],
    ['without an object of its packs', 'it lacks objects of pack-', forget],
  ])('%s', (_, reason, edit) => {
    expectIgnored(edited(good, sha1, edit), reason);
  });

  test('with a table of chunks that leads out of the file, or names a chunk twice, or has no end', () => {
    const body = good.subarray(0, -20);
    const patch = (at: number, bytes: string) => {
      const copy = Buffer.from(body);
      copy.write(bytes, at, 'latin1');
      return sealed(copy, sha1);
    };
    expectIgnored(patch(12 + 12 + 4, '\x01'), 'table of chunks');
    expectIgnored(patch(12 + 12, 'PNAM'), 'table of chunks');
    expectIgnored(patch(12 + 12 * good[6], 'LAST'), 'table of chunks');
    expectIgnored(sealed(body.subarray(0, 30), sha1), 'table of chunks');
  });

  test('that cannot be read', () => {
    fs.rmSync(midxFile(repository));
    fs.mkdirSync(midxFile(repository));
    expect(read(repository).problems).toEqual([`${midxFile(repository)}: read failed: EISDIR`]);
    fs.rmdirSync(midxFile(repository));
  });

  test('but not when its order is wrong: then it has no use for bitmaps', () => {
    for (const edit of [
      write('RIDX', 40, () => 2 ** 31),
      write('RIDX', 40, () => 0),
      write('RIDX', 0, () => 2 ** 32 - 1),
    ]) {
      fs.writeFileSync(midxFile(repository), edited(good, sha1, edit));
      expect(inOneGo(readSound(repository).numbersOfBits())).toBeUndefined();
    }
  });

  test('and not when it is sound', () => {
    fs.writeFileSync(
      midxFile(repository),
      edited(good, sha1, () => {}),
    );
    expectNumbers(readSound(repository));
  });
});

describe('a chain', () => {
  function makeChain(): { repository: string; file: string; layers: string[] } {
    const repository = copyFixture(temporaryDirectory(), 'midx-chain');
    const file = path.join(chainDirectory(repository), 'multi-pack-index-chain');
    for (const each of fs.readdirSync(chainDirectory(repository))) {
      fs.chmodSync(path.join(chainDirectory(repository), each), 0o644);
    }
    const layers = fs
      .readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((hash) => path.join(chainDirectory(repository), `multi-pack-index-${hash}.midx`));
    return { repository, file, layers };
  }

  function expectPrefix(repository: string, layers: number, reason: string): void {
    const { indexed, problems } = read(repository);
    expect(problems).toEqual([expect.stringContaining(reason)]);
    expect(indexed?.index.layers.length ?? 0).toBe(layers);
    if (indexed) expectNumbers(indexed);
  }

  test.each([0, 1, 2])('of which layer %i is damaged keeps those before it', (k) => {
    const { repository, layers } = makeChain();
    fs.writeFileSync(layers[k], flip(fs.readFileSync(layers[k]), 2000, 1));
    expectPrefix(repository, k, `${path.basename(layers[k])}: its checksum is wrong`);
  });

  test.each([0, 1, 2])('of which layer %i is gone keeps those before it', (k) => {
    const { repository, layers } = makeChain();
    fs.rmSync(layers[k]);
    expectPrefix(repository, k, `${path.basename(layers[k])}: it is not there`);
  });

  test.each([0, 1, 2])('of which a pack of layer %i is gone keeps those before it', (k) => {
    const { repository } = makeChain();
    const { packNames } = readSound(repository).index.layers[k];
    fs.rmSync(packFile(repository, packNames[0]));
    expectPrefix(repository, k, `it names ${packNames[0]}, which is not there`);
  });

  test('with a line that is no checksum keeps those before it', () => {
    const { repository, file } = makeChain();
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    fs.writeFileSync(file, [lines[0], lines[1], 'x'.repeat(40), lines[2], ''].join('\n'));
    expectPrefix(repository, 2, 'multi-pack-index-chain: a line of it is not a checksum');
  });

  test('whose last line has no end does not have that line yet', () => {
    const { repository, file } = makeChain();
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').trimEnd());
    expect(readSound(repository).index.layers).toHaveLength(2);
  });

  test('that is empty is none', () => {
    const { repository, file } = makeChain();
    fs.writeFileSync(file, '');
    expect(read(repository)).toEqual({ indexed: undefined, problems: [] });
  });

  test('with a layer twice keeps what comes before the second', () => {
    const { repository, file } = makeChain();
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    fs.writeFileSync(file, `${[lines[0], lines[0]].join('\n')}\n`);
    expectPrefix(repository, 1, 'it names a pack twice');
  });

  test('without its first layer has no use for bitmaps, and lacks objects that are copies', () => {
    const { repository, file } = makeChain();
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    fs.writeFileSync(file, `${lines[1]}\n`);
    const alone = readSound(repository);
    expect(alone.index.count).toBeGreaterThan(0);
    expect(inOneGo(alone.numbersOfBits())).toBeUndefined();
    fs.writeFileSync(file, `${lines[2]}\n`);
    expectPrefix(repository, 0, 'it lacks objects of');
  });

  test('is not looked at beside a file that can be used, but is beside one that cannot', () => {
    const { repository } = makeChain();
    const alone = temporaryDirectory();
    fs.cpSync(repository, alone, { recursive: true });
    fs.rmSync(chainDirectory(alone), { recursive: true });
    git(alone, ['multi-pack-index', 'write']);
    fs.copyFileSync(midxFile(alone), midxFile(repository));
    expect(readSound(repository).index.layers).toHaveLength(1);
    fs.writeFileSync(midxFile(repository), 'damaged');
    expectPrefix(repository, 3, 'multi-pack-index: it is too short');
  });
});
