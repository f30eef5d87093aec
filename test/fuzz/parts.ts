/** An input made of several: each part behind its length, 32 bits. */

export function joinParts(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

/** The first `count` parts; where lengths were mutated, a part ends with the input, and what is missing is empty. */
export function splitParts(input: Buffer, count: number): Buffer[] {
  const parts: Buffer[] = [];
  let at = 0;
  while (parts.length < count) {
    const length = at + 4 <= input.length ? input.readUInt32BE(at) : 0;
    at = Math.min(input.length, at + 4);
    parts.push(input.subarray(at, at + length));
    at = Math.min(input.length, at + length);
  }
  return parts;
}
