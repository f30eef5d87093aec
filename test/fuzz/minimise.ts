/** Makes an input that fails smaller. */

/** Tries; each runs the target once. */
const MOST_TRIES = 400;

/** Takes away stretches, large ones first, as long as it `stillFails`. */
export async function minimise(
  input: Buffer,
  stillFails: (input: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  let least = input;
  let tries = 0;
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < least.length && tries < MOST_TRIES; tries++) {
      const smaller = Buffer.concat([least.subarray(0, at), least.subarray(at + size)]);
      if (await stillFails(smaller)) least = smaller;
      else at += size;
    }
  }
  return least;
}
