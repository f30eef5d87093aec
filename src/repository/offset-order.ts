/** Sorting index positions by pack offset: what a `.rev` file holds, made in memory where there is none. */

const RADIX_BITS = 16;
const BUCKETS = 1 << RADIX_BITS;

/**
 * Positions 0..count-1 ordered by their offset: a least-significant-digit radix sort, linear in `count`.
 * @param offset of a position, a whole number below 2^53
 */
export function sortByOffset(count: number, offset: (position: number) => number): Uint32Array {
  let from = new Uint32Array(count);
  let largest = 0;
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    from[i] = i;
    keys[i] = offset(i);
    if (keys[i] > largest) largest = keys[i];
  }
  let into = new Uint32Array(count);
  const starts = new Uint32Array(BUCKETS + 1);
  for (let unit = 1; unit <= largest; unit *= BUCKETS) {
    const digit = (position: number) => Math.floor(keys[position] / unit) % BUCKETS;
    starts.fill(0);
    for (let i = 0; i < count; i++) starts[digit(from[i]) + 1]++;
    for (let i = 0; i < BUCKETS; i++) starts[i + 1] += starts[i];
    for (let i = 0; i < count; i++) into[starts[digit(from[i])]++] = from[i];
    [from, into] = [into, from];
  }
  return from;
}
