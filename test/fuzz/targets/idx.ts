import { OBJECT_FORMATS } from '../../../src/repository/object-format.ts';
import { PackIndex } from '../../../src/repository/pack-index.ts';
import { already, inOneGo } from '../../../src/stretches.ts';
import { withTrailer } from '../checksums.ts';
import { memoryFile } from '../memory-file.ts';
import { joinParts, splitParts } from '../parts.ts';
import { readCorpus } from '../storage.ts';
import { must, orRefused, type Target } from '../target.ts';

const { sha1 } = OBJECT_FORMATS;

/** A `.rev` file as second part is read as well. */
export const idx: Target = {
  name: 'idx',
  reads: 'pack indexes, and the order of their objects',
  seeds: () => readCorpus('idx'),
  tokens: ['\xfftOc', 'RIDX', '\x80\0\0\0', '\x80\0\0\x01'],
  repair: repairRev,
  run: (input) => readIndex(input, true),
};

export const rev: Target = {
  name: 'rev',
  reads: 'reverse indexes',
  seeds: () => readCorpus('idx'),
  // Only the second part is changed.
  mutate(input, random) {
    const [index, order] = splitParts(input, 2);
    const changed = Buffer.from(order);
    if (changed.length > 0) changed[random.below(changed.length)] = random.below(256);
    return joinParts(index, changed);
  },
  repair: repairRev,
  run: (input) => readIndex(input, false),
};

/** The `.rev` file names the index's pack, and ends with its own hash. */
function repairRev(input: Buffer): Buffer {
  const [index, order] = splitParts(input, 2);
  if (order.length < 40 || index.length < 40) return input;
  const named = Buffer.from(order);
  index.copy(named, named.length - 40, index.length - 40, index.length - 20);
  return joinParts(index, withTrailer(named));
}

function readIndex(input: Buffer, everything: boolean): void {
  const [bytes, order] = splitParts(input, 2);
  const readRev = () => already(order.length > 0 ? order : undefined);
  const index = orRefused(() => inOneGo(PackIndex.read(memoryFile(bytes), sha1, 'test.idx', readRev)));
  if (!index) return;
  let previous = -1;
  for (let rank = 0; rank < index.count; rank++) {
    must(index.rankOf(index.positionOf(rank)) === rank, 'ranks and positions are inverse');
    const offset = index.offset(rank);
    must(offset >= previous, 'ranks are in the order of offsets');
    previous = offset;
    if (!everything) continue;
    index.crc(rank);
    const found = index.find(index.oid(rank));
    must(found >= -1 && found < index.count, 'what is found is an object of the index');
    must(index.offset(index.rankAt(offset)) === offset, 'an offset is found');
  }
  for (let first = 0; first < 256; first++)
    for (const id of index.idsStartingWith(first)) must(id.length === 20, 'an id');
}
