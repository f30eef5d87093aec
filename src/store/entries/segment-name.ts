/** Names of segments: their order is that of their age. */
import crypto from 'node:crypto';

/** In each directory: says which repository its segments are of. */
export const REPOSITORY_FILE = 'repository';
const SUFFIX = '.entries';
/** What a segment counts for at least, in bytes, so that there are not too many small ones. */
export const LEAST_WEIGHT: number = 16 * 1024;

/** A name that no other segment has. */
export function segmentName(now: number = Date.now()): string {
  const time = now.toString(36).padStart(10, '0');
  return `${time}-${crypto.randomBytes(6).toString('hex')}${SUFFIX}`;
}

export function isSegment(name: string): boolean {
  return name.endsWith(SUFFIX);
}
