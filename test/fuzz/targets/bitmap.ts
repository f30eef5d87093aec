import { BitmapFile, bitmapWords } from '../../../src/repository/bitmap-file.ts';
import { encodeEwah, xorEwah } from '../../../src/repository/ewah.ts';
import { OBJECT_FORMATS, type ObjectType } from '../../../src/repository/object-format.ts';
import { inOneGo } from '../../../src/stretches.ts';
import { withTrailer } from '../checksums.ts';
import { memoryFile } from '../memory-file.ts';
import { readCorpus } from '../storage.ts';
import { must, orRefused, type Target } from '../target.ts';

const { sha1 } = OBJECT_FORMATS;
/** The number of objects, and of those in layers below: what the index says that the bitmaps belong to. */
const OBJECTS_BYTES = 4;

export const bitmap: Target = {
  name: 'bitmap',
  reads: 'reachability bitmaps',
  seeds: () => readCorpus('bitmap'),
  tokens: [
    'BITM',
    '\0\x01\0\x01',
    '\0\x01\0\x35',
    '\0\0\0\0\0\0\0\x01',
    '\xff\xff\xff\xff\xff\xff\xff\xff',
    '\0\0\0\x02',
  ],
  repair: (input) =>
    Buffer.concat([input.subarray(0, OBJECTS_BYTES), withTrailer(input.subarray(OBJECTS_BYTES))]),
  run(input) {
    if (input.length < OBJECTS_BYTES) return;
    const objects = input.readUInt16BE(0);
    const below = Math.min(objects, input.readUInt16BE(2));
    const data = input.subarray(OBJECTS_BYTES);
    const checksum = data.subarray(12, 32);
    const bitmaps = orRefused(() =>
      inOneGo(BitmapFile.read(memoryFile(data), sha1, { objects, below }, checksum)),
    );
    if (!bitmaps) return;
    // What was checked once does not fail later.
    const words = bitmapWords(bitmaps.bits);
    for (let row = 0; row < bitmaps.rows; row++) {
      must(bitmaps.positionOf(row) < objects, 'a bitmap is of an object that is there');
      must(
        bitmaps.positionOf(bitmaps.rowOf(bitmaps.positionOf(row))) === bitmaps.positionOf(row),
        'a row is found',
      );
      bitmaps.xorRow(row, words);
    }
    for (const type of [1, 2, 3, 4] as ObjectType[]) bitmaps.xorType(type, words);
    for (let position = 0; position < objects; position++) bitmaps.nameHash(position);
    mustComeBack(words);
  },
};

function mustComeBack(words: Uint32Array): void {
  const bytes = encodeEwah(words, words.length * 32);
  const back = new Uint32Array(words.length);
  xorEwah(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, back);
  must(Buffer.from(back.buffer).equals(Buffer.from(words.buffer)), 'what was compressed comes back');
}
