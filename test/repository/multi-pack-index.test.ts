import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IndexFiles } from '../../src/repository/index-files.ts';
import type { IndexedPacks } from '../../src/repository/indexed-packs.ts';
import type { MultiPackIndex } from '../../src/repository/multi-pack-index.ts';
import { readMultiPackIndex } from '../../src/repository/multi-pack-index-chain.ts';
import { MultiPackIndexLayer } from '../../src/repository/multi-pack-index-layer.ts';
import { OBJECT_FORMATS, type ObjectFormat } from '../../src/repository/object-format.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture, FIXTURE_NAMES } from '../support/fixtures.ts';
import { git } from '../support/git.ts';
import { packsOf } from '../support/history.ts';
import { addPack, packFile } from '../support/packs.ts';
import { flip } from './corrupt.ts';
import { edited, type Parts, sealed } from './edit-multi-pack-index.ts';
import { initBare, makeHistory } from './history.ts';
import { showIndex, writeIndex } from './write-index.ts';

const { sha1, sha256 } = OBJECT_FORMATS;
const caches: RepositoryCaches[] = [];
afterAll(() => {
  for (const each of caches.splice(0)) each.close();
});

/** Reads with nothing kept from before. */
function read(repository: string, format: ObjectFormat = sha1) {
  const fresh = new RepositoryCaches();
  caches.push(fresh);
  const objects = path.join(repository, 'objects');
  const packs = fresh.objectDirectory(objects, format).packs();
  return readMultiPackIndex(path.join(objects, 'pack'), packs, format, fresh.indexFiles);
}

function readSound(repository: string, format: ObjectFormat = sha1): IndexedPacks {
  const { indexed, problems } = read(repository, format);
  expect(problems).toEqual([]);
  expect(indexed).toBeDefined();
  return indexed!;
}

const midxFile = (repository: string) => path.join(repository, 'objects/pack/multi-pack-index');
const chainDirectory = (repository: string) => `${midxFile(repository)}.d`;

/** One file, without its packs. */
function openLayer(data: Buffer): MultiPackIndexLayer {
  const file = path.join(temporaryDirectory(), 'multi-pack-index');
  fs.writeFileSync(file, data);
  const opened = new IndexFiles(0).open(file)!;
  return new MultiPackIndexLayer(opened, sha1, { objects: 0, packs: 0 }, () => undefined);
}

/** Four packs, in which many objects lie twice, and a multi-pack-index with a bitmap. */
function makeRepository(format: ObjectFormat = sha1): string {
  const directory = temporaryDirectory();
  initBare(directory, [`--object-format=${format.name}`]);
  git(directory, ['config', 'fastimport.unpackLimit', '1']);
  for (let seed = 1; seed <= 3; seed++)
    makeHistory(directory, { commits: 40, files: 5, seed, branch: `b${seed}` });
  const all = git(directory, ['rev-list', '--objects', '--all', '--no-object-names']).split('\n').sort();
  addPack(
    directory,
    all.filter((_, i) => i % 3 === 0),
    ['--window=0'],
  );
  const preferred = packsOf(directory).at(-1);
  git(directory, ['multi-pack-index', 'write', '--bitmap', `--preferred-pack=${preferred}.pack`]);
  return directory;
}

/** Offsets by id, of each pack by name, as git sees them. */
function offsetsOf(repository: string, format: ObjectFormat): Map<string, Map<string, number>> {
  return new Map(
    packsOf(repository).map((name) => [
      name,
      new Map(
        showIndex(fs.readFileSync(packFile(repository, name, 'idx')), format).map(({ oid, offset }) => [
          oid,
          offset,
        ]),
      ),
    ]),
  );
}

/** Everything the index says of objects and packs is so. */
function expectTruth(index: MultiPackIndex, offsets: Map<string, Map<string, number>>): void {
  const ids = new Set([...offsets.values()].flatMap((pack) => [...pack.keys()]));
  expect([...index.packNames].sort()).toEqual([...offsets.keys()].sort());
  expect(index.count).toBe(ids.size);
  const positions = [...ids].map((oid) => {
    const position = index.find(Buffer.from(`ff${oid}ff`, 'hex'), 1);
    expect(index.oid(position).toString('hex')).toBe(oid);
    expect(index.offsetOf(position)).toBe(offsets.get(index.packNames[index.packOf(position)])!.get(oid));
    return position;
  });
  expect(positions.sort((a, b) => a - b)).toEqual(positions.map((_, i) => i));
}

/** Bits are in the order of layers; in each first the preferred pack, then the others; in each by offset. */
function expectPseudoPackOrder(index: MultiPackIndex): void {
  expect(index.ordered).toBe(true);
  const positions = Array.from({ length: index.count }, (_, bit) => index.positionOfBit(bit));
  const expected = index.layers.flatMap(({ base, count }) => {
    const first = index.packOf(positions[base.objects]);
    const own = Array.from({ length: count }, (_, i) => base.objects + i);
    const rank = (position: number) => {
      const pack = index.packOf(position);
      return pack === first ? -1 : pack;
    };
    return own.sort((a, b) => rank(a) - rank(b) || index.offsetOf(a) - index.offsetOf(b));
  });
  expect(positions).toEqual(expected);
  expect(index.preferredPack).toBe(index.packOf(positions[0]));
  for (const pack of index.packNames.keys()) {
    const bits = positions.flatMap((position, bit) => (index.packOf(position) === pack ? [bit] : []));
    const told = index.packBits(pack);
    if (told) expect(told).toEqual({ first: bits[0] ?? 0, count: bits.length });
  }
}

/** Numbers lead to the objects, and ascend with the bits. */
function expectNumbers(indexed: IndexedPacks): void {
  const { index } = indexed;
  const oidOf = (number: number) => {
    const { pack, base } = indexed.packs.findLast((each) => each.base <= number)!;
    return pack.index.oid(number - base).toString('hex');
  };
  for (let position = 0; position < index.count; position++) {
    const oid = index.oid(position);
    expect(oidOf(indexed.numberAt(position))).toBe(oid.toString('hex'));
    expect(indexed.find(oid, 0)).toBe(indexed.numberAt(position));
  }
  const numbers = [...indexed.numbersOfBits()!];
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(numbers).toEqual(numbers.map((_, bit) => indexed.numberAt(index.positionOfBit(bit))));
  expect(indexed.packs.every(({ base }) => base % 64 === 0)).toBe(true);
  const last = indexed.packs.at(-1)!;
  expect(indexed.end).toBe(Math.ceil((last.base + last.pack.index.count) / 64) * 64);
}

const KINDS: Readonly<Record<string, { format: ObjectFormat; make: () => string }>> = {
  'of one file': { format: sha1, make: makeRepository },
  'of a SHA-256 repository': { format: sha256, make: () => makeRepository(sha256) },
  ...Object.fromEntries(
    FIXTURE_NAMES.filter((name) => name.startsWith('midx-')).map((name) => [
      `as in ${name}`,
      { format: sha1, make: () => copyFixture(temporaryDirectory(), name) },
    ]),
  ),
};

describe.each(Object.entries(KINDS))('a multi-pack-index %s', (name, { format, make }) => {
  let repository: string;
  let indexed: IndexedPacks;
  beforeAll(() => {
    repository = make();
    indexed = readSound(repository, format);
  });

  test('says of every object what git show-index says', () => {
    expectTruth(indexed.index, offsetsOf(repository, format));
    expect(indexed.index.layers).toHaveLength(name.includes('chain') ? 3 : 1);
  });

  test('orders its bits as a pack', () => {
    expectPseudoPackOrder(indexed.index);
    expect(indexed.index.packBits(0) !== undefined).toBe(name.startsWith('as in'));
  });

  test('numbers objects', () => {
    expectNumbers(indexed);
  });

  test('finds nothing that is not there', () => {
    const { index } = indexed;
    const known = Array.from({ length: index.count }, (_, position) => index.oid(position));
    const hex = new Set(known.map((oid) => oid.toString('hex')));
    const nearby = fc
      .tuple(fc.constantFrom(...known), fc.nat(format.bytes - 1), fc.integer({ min: 1, max: 255 }))
      .map(([oid, at, mask]) => flip(oid, at, mask))
      .filter((oid) => !hex.has(oid.toString('hex')));
    fc.assert(fc.property(nearby, (oid) => index.find(oid) === -1 && indexed.find(oid, 0) === -1));
  });
});

test('the packs of a file of version 2 need not be in order', () => {
  const [, layer] = readSound(copyFixture(temporaryDirectory(), 'midx-chain-compacted')).index.layers;
  expect(layer.packNames).not.toEqual(layer.packNames.toSorted());
  expect(layer.file.data[4]).toBe(2);
});

describe('a multi-pack-index without an order of its bits', () => {
  let repository: string;
  let indexed: IndexedPacks;
  const dropOrder = ({ chunks }: Parts) => void chunks.delete('RIDX');
  beforeAll(() => {
    repository = makeRepository();
    indexed = readSound(repository);
    const file = midxFile(repository);
    fs.writeFileSync(file, edited(fs.readFileSync(file), sha1, dropOrder));
  });

  test('finds objects, but has no use for bitmaps', () => {
    const without = readSound(repository);
    expect(without.index.ordered).toBe(false);
    expect(without.numbersOfBits()).toBeUndefined();
    expectTruth(without.index, offsetsOf(repository, sha1));
  });

  describe('beside a .rev file', () => {
    let rev: Buffer;
    let revFile: string;
    beforeAll(() => {
      const { checksum, count } = readSound(repository).index.layers[0];
      const header = Buffer.from('524944580000000100000001', 'hex');
      const order = Buffer.alloc(count * 4);
      for (let bit = 0; bit < count; bit++) order.writeUInt32BE(indexed.index.positionOfBit(bit), bit * 4);
      rev = sealed(Buffer.concat([header, order, checksum]), sha1);
      revFile = `${midxFile(repository)}-${checksum.toString('hex')}.rev`;
    });

    test('takes the order from there', () => {
      fs.writeFileSync(revFile, rev);
      const withRev = readSound(repository);
      expectPseudoPackOrder(withRev.index);
      expectNumbers(withRev);
      expect(withRev.index.preferredPack).not.toBe(0);
    });

    test('that is damaged or another: does without', () => {
      const other = sealed(flip(rev.subarray(0, -20), rev.length - 41, 1), sha1);
      const moved = sealed(flip(rev.subarray(0, -20), 15, 1), sha1);
      for (const bad of [flip(rev, 15, 1), rev.subarray(1), Buffer.alloc(0), other, moved]) {
        fs.writeFileSync(revFile, bad);
        expect(readSound(repository).numbersOfBits()).toBeUndefined();
      }
    });
  });
});

test('offsets beyond 4 GiB', () => {
  const repository = temporaryDirectory();
  initBare(repository);
  const oids = Array.from(
    { length: 40 },
    (_, i) => `${(i * 6).toString(16).padStart(2, '0')}${'5'.repeat(38)}`,
  );
  const entries = oids.map((oid, i) => ({ oid, offset: i === 7 ? 2 ** 31 + 5 : 12 + i * 2 ** 29 }));
  const stem = path.join(repository, 'objects/pack', `pack-${'7'.repeat(40)}`);
  fs.writeFileSync(`${stem}.idx`, writeIndex(entries));
  // git looks at no byte of it, but wants it to be there.
  fs.writeFileSync(`${stem}.pack`, '');
  fs.truncateSync(`${stem}.pack`, 2 ** 35);
  git(repository, ['multi-pack-index', 'write']);
  const data = fs.readFileSync(midxFile(repository));
  expect(data.includes('LOFF')).toBe(true);
  fs.rmSync(`${stem}.pack`);
  const layer = openLayer(data);
  for (const { oid, offset } of entries) {
    expect(layer.offsetOf(layer.find(Buffer.from(oid, 'hex'), 0))).toBe(offset);
  }
  const short = edited(data, sha1, ({ chunks }) => chunks.set('LOFF', chunks.get('LOFF')!.subarray(0, 16)));
  expect(() => openLayer(short).offsetOf(39)).toThrow('64-bit offset');
  // Where there are no 64-bit offsets, the highest bit is one of the offset.
  const narrow = edited(data, sha1, ({ chunks }) => chunks.delete('LOFF'));
  expect(openLayer(narrow).offsetOf(39)).toBeGreaterThan(2 ** 31);
});

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
    expect(problems).toEqual([expect.stringMatching(/^multi-pack-index is not used: ./)]);
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
    expect(read(repository).problems).toEqual(['multi-pack-index is not used: read failed: EISDIR']);
    fs.rmdirSync(midxFile(repository));
  });

  test('but not when its order is wrong: then it has no use for bitmaps', () => {
    for (const edit of [
      write('RIDX', 40, () => 2 ** 31),
      write('RIDX', 40, () => 0),
      write('RIDX', 0, () => 2 ** 32 - 1),
    ]) {
      fs.writeFileSync(midxFile(repository), edited(good, sha1, edit));
      expect(readSound(repository).numbersOfBits()).toBeUndefined();
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
    expectPrefix(repository, k, `${path.basename(layers[k])} is not used: its checksum is wrong`);
  });

  test.each([0, 1, 2])('of which layer %i is gone keeps those before it', (k) => {
    const { repository, layers } = makeChain();
    fs.rmSync(layers[k]);
    expectPrefix(repository, k, `${path.basename(layers[k])} is not used: it is not there`);
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
    expectPrefix(repository, 2, 'multi-pack-index-chain is not used: a line of it is not a checksum');
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
    expect(alone.numbersOfBits()).toBeUndefined();
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
    expectPrefix(repository, 3, 'multi-pack-index is not used: it is too short');
  });
});
