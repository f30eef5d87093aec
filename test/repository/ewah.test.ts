/** EWAH bitmaps, and sets of numbers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEwah, encodeEwah, wordsFor, xorEwah } from '../../src/repository/ewah.ts';
import { countBits, listBits } from '../../src/repository/number-set.ts';
import { expectCorrupt } from './corrupt.ts';

const ALL = 0xffffffff;

/** Runs of equal words, and words of all sorts. */
const words: fc.Arbitrary<Uint32Array> = fc
  .array(
    fc.oneof(
      fc.tuple(fc.constantFrom(0, ALL), fc.integer({ min: 1, max: 9 })),
      fc.tuple(fc.integer({ min: 0, max: ALL }), fc.integer({ min: 1, max: 3 })),
    ),
    { maxLength: 12 },
  )
  .map((runs) => {
    const list = runs.flatMap(([word, times]) => Array<number>(times).fill(word));
    return Uint32Array.from(list.length % 2 === 0 ? list : [...list, 0]);
  });

const viewOf = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function decode(bytes: Buffer, length: number): Uint32Array {
  const into = new Uint32Array(length);
  expect(xorEwah(viewOf(bytes), 0, bytes.length, into)).toBe(bytes.length);
  return into;
}

function expectRefused(bytes: Buffer, end: number, length: number): void {
  expectCorrupt(() => xorEwah(viewOf(bytes), 0, end, new Uint32Array(length)));
  expectCorrupt(() => checkEwah(viewOf(bytes), 0, end, length));
}

describe('EWAH', () => {
  it('gives back what was compressed', () => {
    fc.assert(
      fc.property(words, (bits) => {
        const bytes = encodeEwah(bits, bits.length * 32);
        expect(decode(bytes, bits.length)).toEqual(bits);
        expect(checkEwah(viewOf(bytes), 0, bytes.length, bits.length)).toBe(bytes.length);
      }),
    );
  });

  it('XORs into what is there', () => {
    fc.assert(
      fc.property(words, words, (a, b) => {
        const length = Math.max(a.length, b.length);
        const into = new Uint32Array(length);
        for (const each of [a, b]) {
          const bytes = encodeEwah(each, each.length * 32);
          xorEwah(viewOf(bytes), 0, bytes.length, into);
        }
        for (let i = 0; i < length; i++) expect(into[i]).toBe(((a[i] ?? 0) ^ (b[i] ?? 0)) >>> 0);
      }),
    );
  });

  it.each([
    [0, 0],
    [1, 2],
    [63, 2],
    [64, 2],
    [65, 4],
    [128, 4],
  ])('holds %i bits in %i words', (bits, expected) => {
    expect(wordsFor(bits)).toBe(expected);
  });

  it('refuses what is longer than its pack, or cut short', () => {
    fc.assert(
      fc.property(
        words.filter((bits) => bits.some((word) => word !== 0)),
        fc.nat(),
        (bits, cut) => {
          const bytes = encodeEwah(bits, bits.length * 32);
          const last = bits.findLastIndex((word) => word !== 0);
          const tooSmall = new Uint32Array(last - (last % 2));
          expectRefused(bytes, bytes.length, tooSmall.length);
          expectRefused(bytes, cut % bytes.length, bits.length);
        },
      ),
    );
  });

  it('refuses more literal words than follow', () => {
    const bytes = encodeEwah(Uint32Array.of(1, 2, 3, 4), 128);
    bytes.writeUInt32BE(bytes.readUInt32BE(8) + 2, 8);
    expectRefused(bytes, bytes.length, 64);
  });
});

describe('the bits of words', () => {
  it('are counted and listed', () => {
    fc.assert(
      fc.property(words, fc.nat(2 ** 30), (bits, base) => {
        const expected: number[] = [];
        for (let bit = 0; bit < bits.length * 32; bit++) {
          if ((bits[bit >>> 5] >>> (bit & 31)) & 1) expected.push(base + bit);
        }
        expect(countBits(bits)).toBe(expected.length);
        const into = new Uint32Array(expected.length + 2);
        expect(listBits(bits, base, into, 1)).toBe(expected.length + 1);
        expect([...into.subarray(1, -1)]).toEqual(expected);
      }),
    );
  });
});
