/** Sorting index positions by pack offset: what a `.rev` file holds, made in memory where there is none. */

const DIGIT_BITS = 16;
const BUCKETS = 1 << DIGIT_BITS;
const HALF = 2 ** 32;

/**
 * Positions 0..count-1 ordered by their offset: a least-significant-digit radix sort, linear in `count`.
 * @param offset of a position, a whole number below 2^53
 */
export function sortByOffset(count: number, offset: (position: number) => number): Uint32Array {
  let from = new Uint32Array(count);
  let into = new Uint32Array(count);
  // Halves of 32 bits each: digits of larger numbers would have to be divided out.
  const low = new Uint32Array(count);
  const high = new Uint32Array(count);
  let largest = 0;
  for (let i = 0; i < count; i++) {
    const key = offset(i);
    from[i] = i;
    low[i] = key;
    high[i] = key / HALF;
    if (key > largest) largest = key;
  }
  const starts = new Uint32Array(BUCKETS + 1);
  const sortBy = (keys: Uint32Array, shift: number) => {
    starts.fill(0);
    for (let i = 0; i < count; i++) starts[((keys[i] >>> shift) & (BUCKETS - 1)) + 1]++;
    for (let i = 0; i < BUCKETS; i++) starts[i + 1] += starts[i];
    for (let i = 0; i < count; i++) into[starts[(keys[from[i]] >>> shift) & (BUCKETS - 1)]++] = from[i];
    [from, into] = [into, from];
  };
  for (const [keys, unit] of [
    [low, 1],
    [high, HALF],
  ] as const) {
    for (let shift = 0; shift < 32 && unit * 2 ** shift <= largest; shift += DIGIT_BITS) sortBy(keys, shift);
  }
  return from;
}
