import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { IndexedPacks } from '../../src/repository/indexed-packs.ts';
import { OBJECT_FORMATS, type ObjectFormat } from '../../src/repository/object-format.ts';
import { inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture, FIXTURE_NAMES } from '../support/fixtures.ts';
import { git } from '../support/git.ts';
import { flip } from './corrupt.ts';
import { edited, type Parts, sealed } from './edit-multi-pack-index.ts';
import { initBare } from './history.ts';
import {
  expectNumbers,
  expectPseudoPackOrder,
  expectTruth,
  makeRepository,
  midxFile,
  offsetsOf,
  openLayer,
  readSound,
} from './read-multi-pack-index.ts';
import { writeIndex } from './write-index.ts';

const { sha1, sha256 } = OBJECT_FORMATS;
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
    expect(inOneGo(without.numbersOfBits())).toBeUndefined();
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
      const other = sealed(flip(rev.subarray(0, -20), rev.length - 30, 1), sha1);
      const moved = sealed(flip(rev.subarray(0, -20), 15, 1), sha1);
      for (const bad of [flip(rev, rev.length - 1, 1), rev.subarray(1), Buffer.alloc(0), other, moved]) {
        fs.writeFileSync(revFile, bad);
        expect(inOneGo(readSound(repository).numbersOfBits())).toBeUndefined();
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
