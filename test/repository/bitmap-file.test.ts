/** Bitmap files that git wrote: every row against `git rev-list`, the types against `git cat-file`. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BitmapFile, bitmapWords, encodeBitmapFile } from '../../src/repository/bitmap-file.ts';
import { encodeEwah } from '../../src/repository/ewah.ts';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { OBJECT_FORMATS, typeFromName } from '../../src/repository/object-format.ts';
import { type IndexSource, PackIndex } from '../../src/repository/pack-index.ts';
import { already, inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { arbitraryStep, importHistory } from '../support/generated-history.ts';
import { git } from '../support/git.ts';
import { packsOf } from '../support/history.ts';
import { openFile } from '../support/in-one-go.ts';
import { packFile } from '../support/packs.ts';
import { expectCorrupt, flip, unlessCorrupt } from './corrupt.ts';

const { sha1 } = OBJECT_FORMATS;
/** The kinds of tails that git 2.39 writes. */
const KINDS = [
  { lookup: false, hashes: true },
  { lookup: true, hashes: true },
  { lookup: true, hashes: false },
  { lookup: false, hashes: false },
];

interface Bitmapped {
  readonly directory: string;
  readonly index: PackIndex;
  readonly file: string;
}

function bitmap(directory: string, { lookup, hashes }: (typeof KINDS)[number]): Bitmapped {
  const flags = ['-c', `pack.writeBitmapLookupTable=${lookup}`, '-c', `pack.writeBitmapHashCache=${hashes}`];
  git(directory, [...flags, 'repack', '-q', '-adb', '--depth=10']);
  const [pack] = packsOf(directory);
  const idx = openFile(new IndexFiles(0), packFile(directory, pack, 'idx'))!;
  const index = inOneGo(PackIndex.read(idx, sha1, pack, () => already(undefined)));
  return { directory, index, file: packFile(directory, pack, 'bitmap') };
}

const open = ({ file, index }: Bitmapped) => readBitmaps(openFile(new IndexFiles(0), file)!, index);

const parse = (data: Buffer, { index }: Bitmapped) =>
  readBitmaps({ data, derive: (_, make) => make() }, index);

function readBitmaps(file: IndexSource, index: PackIndex): BitmapFile {
  return inOneGo(BitmapFile.read(file, sha1, { objects: index.count }, index.packHash));
}

const hexOf = ({ index }: Bitmapped, rank: number) => index.oid(rank).toString('hex');

function idsOf(bitmapped: Bitmapped, words: Uint32Array): string[] {
  const ids: string[] = [];
  for (let bit = 0; bit < words.length * 32; bit++) {
    if ((words[bit >>> 5] >>> (bit & 31)) & 1) ids.push(hexOf(bitmapped, bit));
  }
  return ids.sort();
}

/** git's pack_name_hash: the last 16 characters count most. */
function nameHash(name: string): number {
  let hash = 0;
  for (const byte of Buffer.from(name))
    if (!/\s/.test(String.fromCharCode(byte))) hash = (hash >>> 2) + byte * 2 ** 24;
  return hash % 2 ** 32;
}

function expectTruth(bitmapped: Bitmapped, hashes: boolean): void {
  const { directory, index } = bitmapped;
  const file = open(bitmapped);
  expect(file.rows).toBeGreaterThan(0);
  for (let row = 0; row < file.rows; row++) {
    const position = file.positionOf(row);
    expect(file.rowOf(position)).toBe(row);
    const words = bitmapWords(index.count);
    inOneGo(file.xorRow(row, words));
    const commit = hexOf(bitmapped, index.rankOf(position));
    const reached = git(directory, ['rev-list', '--objects', '--no-object-names', commit]).split('\n');
    expect(idsOf(bitmapped, words)).toEqual(reached.sort());
  }
  const types = git(directory, [
    'cat-file',
    '--batch-all-objects',
    '--batch-check=%(objecttype) %(objectname)',
  ]);
  for (const name of ['commit', 'tree', 'blob', 'tag']) {
    const words = bitmapWords(index.count);
    file.xorType(typeFromName(name)!, words);
    const expected = types.split('\n').filter((line) => line.startsWith(`${name} `));
    expect(idsOf(bitmapped, words)).toEqual(expected.map((line) => line.slice(name.length + 1)).sort());
  }
  expectHashes(bitmapped, file, hashes);
}

function expectHashes(bitmapped: Bitmapped, file: BitmapFile, hashes: boolean): void {
  const { directory, index } = bitmapped;
  const names = new Map<string, Set<number>>();
  for (const commit of git(directory, ['rev-list', '--all']).split('\n')) {
    for (const line of git(directory, ['ls-tree', '-rt', commit]).split('\n')) {
      const [oid, name] = line.slice(line.indexOf(' ', 8) + 1).split('\t');
      names.set(oid, (names.get(oid) ?? new Set([0])).add(nameHash(name)));
    }
  }
  for (const line of git(directory, ['for-each-ref', '--format=%(objectname) %(tag)']).split('\n')) {
    const [oid, name] = line.split(' ');
    if (name) names.set(oid, new Set([nameHash(name)]));
  }
  let known = 0;
  for (let position = 0; position < index.count; position++) {
    const hash = file.nameHash(position);
    if (hash === 0) continue;
    known++;
    expect(names.get(hexOf(bitmapped, index.rankOf(position)))).toContain(hash);
  }
  if (hashes) expect(known).toBeGreaterThan(0);
  else expect(known).toBe(0);
}

it('a bitmap says what git says', () => {
  fc.assert(
    fc.property(fc.array(arbitraryStep, { minLength: 3, maxLength: 25 }), (steps) => {
      const directory = temporaryDirectory();
      git(directory, ['init', '-q', '--bare', '.']);
      importHistory(directory, steps);
      for (const kind of KINDS) expectTruth(bitmap(directory, kind), kind.hashes);
    }),
    { numRuns: 2, endOnFailure: true },
  );
});

describe('a bitmap file', () => {
  const directory = temporaryDirectory();
  git(directory, ['init', '-q', '--bare', '.']);
  const step = { parents: [1], skew: 0, movedFrom: undefined };
  importHistory(
    directory,
    Array.from({ length: 12 }, (_, i) => ({ ...step, file: 'd/a', content: i, tagged: 'tag' as const })),
  );
  const bitmapped = bitmap(directory, KINDS[1]);
  const data = fs.readFileSync(bitmapped.file);
  /** With the right hash at its end. */
  const seal = (copy: Buffer) => {
    const end = copy.length - 20;
    crypto.createHash('sha1').update(copy.subarray(0, end)).digest().copy(copy, end);
    return copy;
  };

  it('that is damaged anywhere is refused', () => {
    fc.assert(
      fc.property(fc.nat(data.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        expectCorrupt(() => parse(flip(data, at, mask), bitmapped));
      }),
    );
  });

  it('that is cut short is refused', () => {
    fc.assert(
      fc.property(fc.nat(data.length - 1), (length) => {
        expectCorrupt(() => parse(data.subarray(0, length), bitmapped));
      }),
    );
  });

  it.each<[string, (copy: Buffer) => void]>([
    ['of another version', (copy) => copy.writeUInt16BE(2, 4)],
    ['without all that is reachable', (copy) => copy.writeUInt16BE(copy.readUInt16BE(6) & ~1, 6)],
    ['of another pack', (copy) => copy.writeUInt8(~copy[12] & 0xff, 12)],
    ['of another kind', (copy) => copy.write('BITN')],
    ['with more rows than it has', (copy) => copy.writeUInt32BE(0xffffffff, 8)],
    ['with pseudo-merges of no size', (copy) => copy.writeUInt16BE(copy.readUInt16BE(6) | 0x20, 6)],
  ])('%s is refused, be its hash right', (_, change) => {
    const copy = Buffer.from(data);
    change(copy);
    expectCorrupt(() => parse(seal(copy), bitmapped));
  });

  it('with the right hash but anything in it is refused before it is used, or can be used', () => {
    fc.assert(
      fc.property(fc.nat(data.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const file = unlessCorrupt(() => parse(seal(flip(data, at, mask)), bitmapped));
        for (let row = 0; row < (file?.rows ?? 0); row++) {
          inOneGo(file!.xorRow(row, bitmapWords(bitmapped.index.count)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of our own making is read by git', () => {
    const { index, file } = bitmapped;
    const known = open(bitmapped);
    const words = (fill: (into: Uint32Array) => void) => {
      const into = bitmapWords(index.count);
      fill(into);
      return into;
    };
    const types = [1, 2, 3, 4].map((type) =>
      encodeEwah(
        words((into) => known.xorType(type as 1, into)),
        index.count,
      ),
    );
    const rows = Array.from({ length: known.rows }, (_, row) => {
      const own = words((into) => inOneGo(known.xorRow(row, into)));
      const back = row % 3 === 0 ? 0 : 1;
      if (back > 0) inOneGo(known.xorRow(row - 1, own));
      return { position: known.positionOf(row), ewah: encodeEwah(own, index.count), back };
    });
    fs.chmodSync(file, 0o644);
    fs.writeFileSync(file, encodeBitmapFile(sha1, index.packHash, types, rows));
    for (const branch of ['c11', 'c5']) git(directory, ['rev-list', '--test-bitmap', branch]);
    expectTruth(bitmapped, false);
    expect(path.extname(file)).toBe('.bitmap');
  });
});
