/** Multi-pack-indexes read, and what must be true of them. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { IndexFiles } from '../../src/repository/index-files.ts';
import type { IndexedPacks } from '../../src/repository/indexed-packs.ts';
import type { MultiPackIndex } from '../../src/repository/multi-pack-index.ts';
import { readMultiPackIndex } from '../../src/repository/multi-pack-index-chain.ts';
import { MultiPackIndexLayer } from '../../src/repository/multi-pack-index-layer.ts';
import { OBJECT_FORMATS, type ObjectFormat } from '../../src/repository/object-format.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { already, inOneGo } from '../../src/stretches.ts';
import { afterTests } from '../support/after-tests.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { packsOf } from '../support/history.ts';
import { openFile } from '../support/in-one-go.ts';
import { addPack, packFile } from '../support/packs.ts';
import { initBare, makeHistory } from './history.ts';
import { showIndex } from './write-index.ts';

const { sha1 } = OBJECT_FORMATS;

/** Reads with nothing kept from before. */
export function read(repository: string, format: ObjectFormat = sha1) {
  const fresh = new RepositoryCaches();
  afterTests(() => fresh.close());
  const objects = path.join(repository, 'objects');
  const packs = inOneGo(fresh.objectDirectory(objects, format).packs());
  return inOneGo(readMultiPackIndex(path.join(objects, 'pack'), packs, format, fresh.indexFiles));
}

export function readSound(repository: string, format: ObjectFormat = sha1): IndexedPacks {
  const { indexed, problems } = read(repository, format);
  expect(problems).toEqual([]);
  expect(indexed).toBeDefined();
  return indexed!;
}

export const midxFile = (repository: string) => path.join(repository, 'objects/pack/multi-pack-index');
export const chainDirectory = (repository: string) => `${midxFile(repository)}.d`;

/** One file, without its packs. */
export function openLayer(data: Buffer): MultiPackIndexLayer {
  const file = path.join(temporaryDirectory(), 'multi-pack-index');
  fs.writeFileSync(file, data);
  const opened = openFile(new IndexFiles(0), file)!;
  return inOneGo(MultiPackIndexLayer.read(opened, sha1, { objects: 0, packs: 0 }, () => already(undefined)));
}

/** Four packs, in which many objects lie twice, and a multi-pack-index with a bitmap. */
export function makeRepository(format: ObjectFormat = sha1): string {
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
export function offsetsOf(repository: string, format: ObjectFormat): Map<string, Map<string, number>> {
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
export function expectTruth(index: MultiPackIndex, offsets: Map<string, Map<string, number>>): void {
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
export function expectPseudoPackOrder(index: MultiPackIndex): void {
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
export function expectNumbers(indexed: IndexedPacks): void {
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
  const numbers = [...inOneGo(indexed.numbersOfBits())!];
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(numbers).toEqual(numbers.map((_, bit) => indexed.numberAt(index.positionOfBit(bit))));
  expect(indexed.packs.every(({ base }) => base % 64 === 0)).toBe(true);
  const last = indexed.packs.at(-1)!;
  expect(indexed.end).toBe(Math.ceil((last.base + last.pack.index.count) / 64) * 64);
}
