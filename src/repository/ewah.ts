/**
 * EWAH, the compressed bitmaps of git (protocol section 6.8): 64-bit words, big endian, in stretches of a marker word, a
 * run of equal words and some literal ones. Here a bitmap is an array of 32-bit words, the lower half of each 64 first.
 */
import { repositoryCorrupt } from '../errors.ts';

/** Bits in use, number of words; behind the words, where the last marker is. */
const HEAD_BYTES = 8;
const TAIL_BYTES = 4;

/** 32-bit words that hold `bits` bits, in whole words of 64. */
export function wordsFor(bits: number): number {
  return Math.ceil(bits / 64) * 2;
}

/**
 * Where the bitmap that begins at `at` ends, when {@link xorEwah} can read it into `words` words.
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when it cannot, or the end is not before `end`
 */
export function checkEwah(view: DataView, at: number, end: number, words: number): number {
  const next = endOfEwah(view, at, end);
  const last = next - TAIL_BYTES;
  let to = 0;
  for (let from = at + HEAD_BYTES; from < last; ) {
    const high = view.getUint32(from);
    const literals = high >>> 1;
    to += ((view.getUint32(from + 4) >>> 1) + (high & 1) * 2 ** 31 + literals) * 2;
    from += 8 + literals * 8;
    if (to > words || from > last) throw tooLong();
  }
  return next;
}

function endOfEwah(view: DataView, at: number, end: number): number {
  if (at + HEAD_BYTES + TAIL_BYTES > end) throw cutShort();
  const next = at + HEAD_BYTES + view.getUint32(at + 4) * 8 + TAIL_BYTES;
  if (next > end) throw cutShort();
  return next;
}

/**
 * XORs the bitmap at `at` into `words`; a stream that ends early stands for zeros.
 * @returns where the bitmap ends
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when it has more words than `words`
 */
export function xorEwah(view: DataView, at: number, end: number, words: Uint32Array): number {
  const next = endOfEwah(view, at, end);
  const last = next - TAIL_BYTES;
  let to = 0;
  for (let from = at + HEAD_BYTES; from < last; ) {
    const high = view.getUint32(from);
    const low = view.getUint32(from + 4);
    from += 8;
    const run = ((low >>> 1) + (high & 1) * 2 ** 31) * 2;
    const literals = high >>> 1;
    if (to + run + literals * 2 > words.length || from + literals * 8 > last) {
      throw tooLong();
    }
    if (low & 1) for (let i = to; i < to + run; i++) words[i] = ~words[i];
    to += run;
    for (let i = 0; i < literals; i++, from += 8, to += 2) {
      words[to] ^= view.getUint32(from + 4);
      words[to + 1] ^= view.getUint32(from);
    }
  }
  return next;
}

const MOST_RUN = 2 ** 32 - 1;
const MOST_LITERALS = 2 ** 31 - 1;
const ONES = 0xffffffff;

/** The compressed form of a bitmap of `bits` bits. */
export function encodeEwah(words: Uint32Array, bits: number): Buffer {
  const out: number[] = [];
  let lastMarker = 0;
  const count = words.length / 2;
  for (let at = 0; at < count || out.length === 0; ) {
    const fill = at < count && words[2 * at] === ONES && words[2 * at + 1] === ONES ? ONES : 0;
    let run = 0;
    while (at < count && run < MOST_RUN && words[2 * at] === fill && words[2 * at + 1] === fill) {
      run++;
      at++;
    }
    const start = at;
    while (at < count && at - start < MOST_LITERALS && !isUniform(words, at)) at++;
    const literals = at - start;
    lastMarker = out.length / 2;
    out.push((literals << 1) | (run > 0x7fffffff ? 1 : 0), (run << 1) | (fill & 1));
    for (let i = start; i < at; i++) out.push(words[2 * i + 1], words[2 * i]);
  }
  const bytes = Buffer.alloc(HEAD_BYTES + out.length * 4 + TAIL_BYTES);
  bytes.writeUInt32BE(bits, 0);
  bytes.writeUInt32BE(out.length / 2, 4);
  for (const [i, word] of out.entries()) bytes.writeUInt32BE(word >>> 0, HEAD_BYTES + i * 4);
  bytes.writeUInt32BE(lastMarker, bytes.length - TAIL_BYTES);
  return bytes;
}

function isUniform(words: Uint32Array, at: number): boolean {
  const word = words[2 * at];
  return word === words[2 * at + 1] && (word === 0 || word === ONES);
}

function cutShort(): Error {
  return repositoryCorrupt('a bitmap is cut short');
}

function tooLong(): Error {
  return repositoryCorrupt('a bitmap is longer than its pack');
}
