/** The CRC-32 of stored entries. git leaves it to the client to notice damage; here it is looked at once. */
import type { PackFile } from '../repository/pack-file.ts';

/** Up to this length, in bytes, an entry is looked at as a whole before any of it leaves. */
export const WHOLE = 64 * 1024;

/** What lies in a pack must have the CRC-32 that its index holds; an index of version 1 holds none. */
export function hasCrc({ index }: PackFile, rank: number, crc: number): boolean {
  const expected = index.crc(rank);
  return expected === undefined || expected === crc;
}
