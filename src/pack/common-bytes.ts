/** How far two pieces of content are alike. */

/** So many bytes are compared in a loop, then as many and more in the engine. */
const PIECE = 256;

/** How many of at most `most` bytes are the same from `place` in `base` and from `at` in `target` on. */
export function commonPrefix(base: Buffer, place: number, target: Buffer, at: number, most: number): number {
  let n = 0;
  const short = Math.min(most, PIECE);
  while (n < short && base[place + n] === target[at + n]) n++;
  if (n < PIECE) return n;
  for (let piece = PIECE; n < most; piece = Math.min(piece * 2, 4 * PIECE)) {
    const length = Math.min(piece, most - n);
    const isSame = target.compare(base, place + n, place + n + length, at + n, at + n + length) === 0;
    if (!isSame) break;
    n += length;
  }
  while (n < most && base[place + n] === target[at + n]) n++;
  return n;
}

/** How many of at most `most` bytes are the same at the ends of both. */
export function commonSuffix(base: Buffer, target: Buffer, most: number): number {
  const place = base.length;
  const at = target.length;
  let n = 0;
  const short = Math.min(most, PIECE);
  while (n < short && base[place - n - 1] === target[at - n - 1]) n++;
  if (n < PIECE) return n;
  while (n + PIECE <= most) {
    const isSame = target.compare(base, place - n - PIECE, place - n, at - n - PIECE, at - n) === 0;
    if (!isSame) break;
    n += PIECE;
  }
  while (n < most && base[place - n - 1] === target[at - n - 1]) n++;
  return n;
}
