/** Encoding of pack headers and entry headers (protocol section 6.1). */

/** `PACK`, version 2, the number of entries (below 2^32). */
export function encodePackHeader(count: number): Buffer {
  const header = Buffer.alloc(12);
  header.write('PACK', 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(count, 8);
  return header;
}

/**
 * Writes the type and the inflated size of an entry at `at`; returns where the next byte goes. Takes at most ten bytes.
 */
export function writeTypeAndSize(into: Uint8Array, at: number, type: number, size: number): number {
  let rest = Math.floor(size / 16);
  let byte = (type << 4) | (size % 16);
  let to = at;
  while (rest > 0) {
    into[to++] = byte | 128;
    byte = rest % 128;
    rest = Math.floor(rest / 128);
  }
  into[to++] = byte;
  return to;
}

/** Writes the distance from an OFS_DELTA to its base, in git's biased varint; returns where the next byte goes. */
export function writeDistance(into: Uint8Array, at: number, distance: number): number {
  const groups = [distance % 128];
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest--;
    groups.push(128 | (rest % 128));
  }
  let to = at;
  for (let i = groups.length - 1; i >= 0; i--) into[to++] = groups[i];
  return to;
}
