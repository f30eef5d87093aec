/** Making checksums right again after a mutation. */
import crypto from 'node:crypto';
import zlib from 'node:zlib';

/** With the SHA-1 of all that comes before the last 20 bytes in those. */
export function withTrailer(input: Buffer): Buffer {
  if (input.length < 20) return input;
  const body = input.subarray(0, -20);
  return Buffer.concat([body, crypto.createHash('sha1').update(body).digest()]);
}

/** A reftable of version 1 or 2: its footer begins with its header and ends with a CRC-32 of itself. */
export function withReftableFooter(input: Buffer): Buffer {
  const header = input[4] === 2 ? 28 : 24;
  const footer = input.length - header - 44;
  if (footer < header) return input;
  const result = Buffer.from(input);
  result.copy(result, footer, 0, header);
  result.writeUInt32BE(zlib.crc32(result.subarray(footer, -4)), result.length - 4);
  return result;
}
