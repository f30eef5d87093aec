import path from 'node:path';
import { IndexedPacks } from '../../../src/repository/indexed-packs.ts';
import { MultiPackIndexLayer } from '../../../src/repository/multi-pack-index-layer.ts';
import { NumberedLayer } from '../../../src/repository/numbered-layer.ts';
import { OBJECT_FORMATS } from '../../../src/repository/object-format.ts';
import type { PackFile } from '../../../src/repository/pack-file.ts';
import { RepositoryCaches } from '../../../src/repository/repository-caches.ts';
import { already, inOneGo } from '../../../src/stretches.ts';
import { copyFixture } from '../../support/fixtures.ts';
import { withTrailer } from '../checksums.ts';
import { memoryFile } from '../memory-file.ts';
import { scratchDirectory } from '../scratch.ts';
import { readCorpus } from '../storage.ts';
import { must, orRefused, type Target } from '../target.ts';

const { sha1 } = OBJECT_FORMATS;
const FIXTURES = ['midx-btmp', 'midx-chain'];

let packs: ReadonlyMap<string, PackFile> | undefined;

/** The file as it lies beside the packs of the fixtures: alone, and (where it says so) on the first layer of a chain. */
export const midx: Target = {
  name: 'midx',
  reads: 'multi-pack-indexes beside their packs',
  seeds: () => readCorpus('midx'),
  tokens: ['MIDX', 'PNAM', 'OIDF', 'OIDL', 'OOFF', 'LOFF', 'RIDX', 'BTMP', '.idx\0', '\x80\0\0\0'],
  repair: withTrailer,
  run(input) {
    packs ??= openPacks();
    const alone = readLayer(input, []);
    if (alone) readAll(alone);
    const [first] = readCorpus('midx').slice(-1);
    const below = readLayer(first, []);
    must(below !== undefined, 'the first layer of a chain is read');
    const upper = readLayer(input, below);
    if (upper) readAll(upper);
  },
};

function openPacks(): ReadonlyMap<string, PackFile> {
  const found = FIXTURES.flatMap((name) => {
    const objects = path.join(copyFixture(scratchDirectory(), name), 'objects');
    return inOneGo(new RepositoryCaches().objectDirectory(objects, sha1).packs());
  });
  return new Map(found.map((pack) => [pack.name, pack]));
}

function readLayer(bytes: Buffer, below: readonly NumberedLayer[]): NumberedLayer[] | undefined {
  const base = below.at(-1)?.layer.end ?? { objects: 0, packs: 0 };
  const layer = orRefused(() =>
    inOneGo(MultiPackIndexLayer.read(memoryFile(bytes), sha1, base, () => already(undefined))),
  );
  if (!layer) return undefined;
  for (let position = 0; position < layer.count; position++) {
    layer.packOf(position);
    orRefused(() => layer.offsetOf(position));
  }
  for (const pack of layer.packNames.keys()) layer.packBits(pack);
  const numbered = orRefused(() => inOneGo(NumberedLayer.read(layer, packs!, below)));
  return numbered && [...below, numbered];
}

function readAll(layers: readonly NumberedLayer[]): void {
  const indexed = new IndexedPacks(layers);
  const { index } = indexed;
  for (let position = 0; position < index.count; position++) {
    const oid = index.oid(position);
    const number = indexed.find(oid, 0);
    must(number >= 0 && number < indexed.end, 'what the index holds is found');
    must(indexed.numberAt(index.find(oid)) === number, 'by position it is the same object');
    index.offsetOf(position);
    must(index.packOf(position) < index.packNames.length, 'it lies in a pack of the index');
  }
  indexed.numbersOfBits();
}
