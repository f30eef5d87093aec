import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { OBJECT_FORMATS, type ObjectFormat } from '../../src/repository/object-format.ts';
import { type IndexSource, PackIndex } from '../../src/repository/pack-index.ts';
import { already, inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { expectCorrupt, flip, unlessCorrupt } from './corrupt.ts';
import { initBare, makeHistory } from './history.ts';
import { type IndexEntry, showIndex, writeIndex } from './write-index.ts';

interface Case {
  readonly format: ObjectFormat;
  readonly index: Buffer;
  readonly rev: Buffer | undefined;
  readonly packHash: string;
  /** By offset, as git sees them. */
  readonly entries: readonly IndexEntry[];
}

/** A pack of 900 objects, indexed by `git index-pack` with these flags. */
function makeCase(format: ObjectFormat, flags: readonly string[]): Case {
  const directory = temporaryDirectory();
  initBare(directory, [`--object-format=${format.name}`]);
  makeHistory(directory, { commits: 300, files: 9 });
  git(directory, ['repack', '-adq']);
  const packs = path.join(directory, 'objects/pack');
  const pack = fs.readdirSync(packs).find((name) => name.endsWith('.pack'))!;
  const idx = path.join(directory, 'test.idx');
  git(directory, ['index-pack', ...flags, '-o', idx, path.join(packs, pack)]);
  const rev = path.join(directory, 'test.rev');
  const index = fs.readFileSync(idx);
  return {
    format,
    index,
    rev: fs.existsSync(rev) ? fs.readFileSync(rev) : undefined,
    packHash: pack.slice('pack-'.length, -'.pack'.length),
    entries: showIndex(index, format),
  };
}

const KINDS: Readonly<Record<string, () => Case>> = {
  'version 1': () => makeCase(OBJECT_FORMATS.sha1, ['--index-version=1']),
  'version 2': () => makeCase(OBJECT_FORMATS.sha1, ['--index-version=2']),
  // Offsets from 0x200 on are written as 64-bit ones.
  'version 2 with 64-bit offsets': () => makeCase(OBJECT_FORMATS.sha1, ['--index-version=2,0x200']),
  'version 2 with a .rev file': () => makeCase(OBJECT_FORMATS.sha1, ['--index-version=2', '--rev-index']),
  'version 2, sha256': () => makeCase(OBJECT_FORMATS.sha256, ['--index-version=2', '--rev-index']),
};

/** An index of these bytes, shared with no one. */
function read(data: Buffer, format = OBJECT_FORMATS.sha1, rev?: Buffer): PackIndex {
  const source: IndexSource = { data, derive: (_, make) => make() };
  return inOneGo(PackIndex.read(source, format, 'test.idx', () => already(rev)));
}

function open({ index, format, rev }: Case): PackIndex {
  return read(index, format, rev);
}

/** Everything the index says of every rank. */
function allOf(index: PackIndex): IndexEntry[] {
  return Array.from({ length: index.count }, (_, rank) => ({
    oid: index.oid(rank).toString('hex'),
    offset: index.offset(rank),
    crc: index.crc(rank),
  }));
}

describe.each(Object.entries(KINDS))('an index of %s', (name, make) => {
  let given: Case;
  beforeAll(() => {
    given = make();
    expect(given.rev !== undefined).toBe(/rev|256/.test(name));
  });

  test('lists what git show-index lists, in the order of the pack', () => {
    const index = open(given);
    expect(given.entries.length).toBeGreaterThan(900);
    expect(allOf(index)).toEqual(given.entries);
    expect(index.packHash.toString('hex')).toHaveLength(given.format.hexLength);
  });

  test('finds every object by id and by offset', () => {
    const index = open(given);
    given.entries.forEach(({ oid, offset }, rank) => {
      expect(index.find(Buffer.from(oid, 'hex'))).toBe(rank);
      expect(index.find(Buffer.from(`ffff${oid}ff`, 'hex'), 2)).toBe(rank);
      expect(index.rankAt(offset)).toBe(rank);
    });
  });

  test('finds nothing that is not there', () => {
    const index = open(given);
    const known = new Map(given.entries.map(({ oid }, rank) => [oid, rank]));
    const length = given.format.bytes;
    const nearby = fc
      .tuple(fc.constantFrom(...known.keys()), fc.nat(length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([oid, at, mask]) => flip(Buffer.from(oid, 'hex'), at, mask));
    const border = fc.constantFrom(0, 255).map((byte) => Buffer.alloc(length, byte));
    const anything = fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(nearby, border, anything), (oid) => {
        expect(index.find(oid)).toBe(known.get(oid.toString('hex')) ?? -1);
      }),
      { numRuns: 2000 },
    );
    const offsets = new Set(given.entries.map(({ offset }) => offset));
    for (let at = 0; at < 3000; at++) expect(index.rankAt(at) >= 0).toBe(offsets.has(at));
  });

  test('lies anywhere in its buffer', () => {
    const moved = Buffer.concat([Buffer.alloc(3), given.index]).subarray(3);
    expect(allOf(read(moved, given.format, given.rev))).toEqual(given.entries);
  });

  test('cut short anywhere is corrupt', () => {
    const { index, format } = given;
    const length = fc.oneof(
      fc.nat(index.length - 1),
      fc.integer({ min: 1, max: 64 }).map((n) => index.length - n),
    );
    fc.assert(
      fc.property(length, (size) => {
        // Between entries and trailer a version 2 index may hold 64-bit offsets, so its end can look like some.
        const opened = unlessCorrupt(() => read(index.subarray(0, size), format));
        if (opened) expect(opened.packHash.equals(open(given).packHash)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test('longer than it should be is corrupt or belongs to no pack', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), (more) => {
        const longer = Buffer.concat([given.index, Buffer.alloc(more)]);
        const opened = unlessCorrupt(() => read(longer, given.format));
        if (opened) expect(opened.packHash.equals(open(given).packHash)).toBe(false);
      }),
    );
  });

  test('with more room for 64-bit offsets than it has objects is corrupt', () => {
    const more = Buffer.alloc(8 * given.entries.length);
    const longer = Buffer.concat([given.index, more]);
    expectCorrupt(() => read(longer, given.format));
  });

  test('with a damaged byte is corrupt or answers; it neither crashes nor finds what was not asked for', () => {
    const firstId = name === 'version 1' ? 1024 + 4 : 8 + 1024;
    const asked = given.entries.map(({ oid }) => Buffer.from(oid, 'hex'));
    fc.assert(
      fc.property(fc.nat(given.index.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        unlessCorrupt(() => {
          const index = read(flip(given.index, at, mask), given.format, given.rev);
          for (const oid of asked) {
            const rank = index.find(oid);
            if (rank < 0) continue;
            expect(rank).toBeLessThan(index.count);
            index.offset(rank);
            expect(index.oid(rank).equals(oid)).toBe(true);
          }
        });
      }),
      { numRuns: 50, examples: [[firstId, 1]] },
    );
  });

  test('with a damaged fanout table is corrupt or finds what was asked for', () => {
    const start = name === 'version 1' ? 0 : 8;
    const asked = given.entries.map(({ oid }) => Buffer.from(oid, 'hex'));
    fc.assert(
      fc.property(fc.nat(1023), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        unlessCorrupt(() => {
          const index = read(flip(given.index, start + at, mask), given.format, given.rev);
          for (const oid of asked) {
            const rank = index.find(oid);
            if (rank >= 0) expect(index.oid(rank).equals(oid)).toBe(true);
          }
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe('an index', () => {
  test('agrees with git verify-pack', () => {
    const directory = temporaryDirectory();
    initBare(directory);
    makeHistory(directory, { commits: 20, files: 3 });
    git(directory, ['repack', '-adq']);
    const packs = path.join(directory, 'objects/pack');
    const file = path.join(packs, fs.readdirSync(packs).find((entry) => entry.endsWith('.idx'))!);
    const index = read(fs.readFileSync(file));
    const lines = git(directory, ['verify-pack', '-v', file]).split('\n');
    const rows = lines
      .map((line) => /^([0-9a-f]{40}) \w+ +\d+ (\d+) (\d+)/.exec(line))
      .filter((row) => row !== null);
    expect(rows).toHaveLength(index.count);
    for (const [, oid, stored, offset] of rows) {
      const rank = index.find(Buffer.from(oid, 'hex'));
      expect(index.offset(rank)).toBe(Number(offset));
      if (rank + 1 < index.count) expect(index.offset(rank + 1)).toBe(Number(offset) + Number(stored));
    }
  });

  test('of an empty pack', () => {
    const directory = temporaryDirectory();
    initBare(directory);
    git(directory, ['pack-objects', '-q', path.join(directory, 'empty')], { input: '' });
    const file = fs.readdirSync(directory).find((entry) => entry.endsWith('.idx'))!;
    const index = read(fs.readFileSync(path.join(directory, file)));
    expect(index.count).toBe(0);
    expect(index.find(Buffer.alloc(20))).toBe(-1);
    expect(index.rankAt(12)).toBe(-1);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(100)],
    ['a newer version', Buffer.concat([Buffer.from('ff744f6300000003', 'hex'), Buffer.alloc(1064)])],
    ['text', Buffer.from('this is no index\n'.repeat(100))],
    ['no trailer', Buffer.alloc(1024)],
  ])('cannot be made of %s', (_, data) => {
    expectCorrupt(() => read(data));
  });
});

describe('offsets beyond 4 GiB', () => {
  const entry = fc.record({
    oid: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    offset: fc.oneof(
      fc.integer({ min: 12, max: 2 ** 31 - 1 }),
      fc.maxSafeInteger().map((n) => 12 + (Math.abs(n) % 2 ** 45)),
    ),
  });
  // An index has at least one offset below 2^31: that of the first entry.
  const entries = fc
    .uniqueArray(entry, { minLength: 1, maxLength: 40, selector: ({ oid }) => oid })
    .map((list) => list.map((one, i) => (i === 0 ? { ...one, offset: 12 } : one)))
    .filter((list) => new Set(list.map(({ offset }) => offset)).size === list.length);

  test('are read as git reads them', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const data = writeIndex(list);
        const index = read(data);
        expect(allOf(index)).toEqual(showIndex(data, OBJECT_FORMATS.sha1));
        for (const { oid, offset } of list) {
          expect(index.offset(index.find(Buffer.from(oid, 'hex')))).toBe(offset);
          expect(index.oid(index.rankAt(offset)).toString('hex')).toBe(oid);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('that the index does not hold are corrupt', () => {
    const data = writeIndex([
      { oid: '1'.repeat(40), offset: 12 },
      { oid: '2'.repeat(40), offset: 2 ** 33 },
    ]);
    const at = 8 + 1024 + 2 * 24 + 4;
    expect(data.readUInt32BE(at)).toBe(2 ** 31);
    expectCorrupt(() => read(flip(data, at + 3, 1)));
  });
});

describe('a .rev file', () => {
  let given: Case;
  beforeAll(() => {
    given = makeCase(OBJECT_FORMATS.sha1, ['--rev-index']);
  });

  test('that is damaged never changes an answer', () => {
    const rev = given.rev!;
    fc.assert(
      fc.property(fc.nat(rev.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const index = unlessCorrupt(() => open({ ...given, rev: flip(rev, at, mask) }));
        if (index) expect(allOf(index)).toEqual(given.entries);
      }),
      { numRuns: 50 },
    );
  });

  test('that is sound, or not there, is no problem', () => {
    expect(open(given).revProblem).toBeUndefined();
    expect(open({ ...given, rev: undefined }).revProblem).toBeUndefined();
  });

  test('that is damaged in any byte is a problem', () => {
    const rev = given.rev!;
    fc.assert(
      fc.property(fc.nat(rev.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        expect(open({ ...given, rev: flip(rev, at, mask) }).revProblem).toBeTruthy();
      }),
      { numRuns: 200 },
    );
  });

  /** The file with its hash made anew. */
  const sealed = (rev: Buffer) => {
    const body = rev.subarray(0, -20);
    return Buffer.concat([body, crypto.createHash('sha1').update(body).digest()]);
  };
  const withNumber = (at: number, number: number) => {
    const rev = Buffer.from(given.rev!);
    rev.writeUInt32BE(number, at);
    return sealed(rev);
  };

  test.each([
    ['of another pack', () => sealed(flip(given.rev!, given.rev!.length - 30, 1)), /another pack/],
    ['of another length', () => given.rev!.subarray(1), /length/],
    ['that is empty', () => Buffer.alloc(0), /length/],
    ['of a newer version', () => withNumber(4, 2), /version/],
    ['of another hash', () => withNumber(8, 2), /object format/],
    ['with a wrong hash', () => flip(given.rev!, given.rev!.length - 1, 1), /checksum/],
    ['with a position that is not there', () => withNumber(12 + 40, 2 ** 31), /position/],
    ['in another order', () => withNumber(12 + 40, given.rev!.readUInt32BE(12 + 44)), /order/],
  ])('%s is ignored, and why is known', (_, rev, why) => {
    const index = open({ ...given, rev: rev() });
    expect(allOf(index)).toEqual(given.entries);
    expect(index.revProblem).toMatch(why);
  });

  test('that cannot be read is ignored', () => {
    const fail = () => {
      throw Object.assign(new Error('no'), { code: 'EACCES', syscall: 'open' });
    };
    const source: IndexSource = { data: given.index, derive: (_, make) => make() };
    const index = inOneGo(PackIndex.read(source, given.format, 'test.idx', fail));
    expect(allOf(index)).toEqual(given.entries);
    expect(index.revProblem).toBe('open failed: EACCES');
  });
});
