/** Damage, and what must come of it. */
import { expect } from 'vitest';
import { PackhorseError } from '../../src/errors.ts';

/** A copy with the bit pattern of one byte changed. */
export function flip(data: Buffer, at: number, mask: number): Buffer {
  const copy = Buffer.from(data);
  copy[at] ^= mask;
  return copy;
}

/** Runs `read`; undefined when it throws `PACKHORSE_REPOSITORY_CORRUPT`. Any other error goes on. */
export function unlessCorrupt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PackhorseError && error.code === 'PACKHORSE_REPOSITORY_CORRUPT') return undefined;
    throw error;
  }
}

export function expectCorrupt(read: () => unknown): void {
  expect(read).toThrow(expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_CORRUPT' }));
}
