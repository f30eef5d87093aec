/** Sorting index positions by pack offset: what a `.rev` file holds, made in memory where there is none. */
import type { Stretches } from '../stretches.ts';

const DIGIT_BITS = 16;
const BUCKETS = 1 << DIGIT_BITS;
const HALF = 2 ** 32;
/** Positions that are moved in one stretch: some 0.2 ms. */
const PACE = 2 ** 14;

/**
 * Positions 0..count-1 ordered by their offset: a least-significant-digit radix sort, linear in `count`.
 * @param offset of a position, a whole number below 2^53
 */
export function* sortByOffset(count: number, offset: (position: number) => number): Stretches<Uint32Array> {
  let from = new Uint32Array(count);
  let into = new Uint32Array(count);
  // Halves of 32 bits each: digits of larger numbers would have to be divided out.
  const low = new Uint32Array(count);
  const high = new Uint32Array(count);
  let largest = 0;
  for (let i = 0; i < count; i++) {
    if (i % PACE === PACE - 1) yield;
    const key = offset(i);
    from[i] = i;
    low[i] = key;
    high[i] = key / HALF;
    if (key > largest) largest = key;
  }
  for (const [keys, unit] of [
    [low, 1],
    [high, HALF],
  ] as const) {
    for (let shift = 0; shift < 32 && unit * 2 ** shift <= largest; shift += DIGIT_BITS) {
      yield* sortByDigit(keys, shift, from, into);
      [from, into] = [into, from];
    }
  }
  return from;
}

function* sortByDigit(keys: Uint32Array, shift: number, from: Uint32Array, into: Uint32Array) {
  const starts = new Uint32Array(BUCKETS + 1);
  for (let first = 0; first < keys.length; first += PACE) {
    yield;
    const end = Math.min(first + PACE, keys.length);
    for (let i = first; i < end; i++) starts[((keys[i] >>> shift) & (BUCKETS - 1)) + 1]++;
  }
  for (let i = 0; i < BUCKETS; i++) starts[i + 1] += starts[i];
  for (let first = 0; first < keys.length; first += PACE) {
    yield;
    const end = Math.min(first + PACE, keys.length);
    for (let i = first; i < end; i++) into[starts[(keys[from[i]] >>> shift) & (BUCKETS - 1)]++] = from[i];
  }
}
