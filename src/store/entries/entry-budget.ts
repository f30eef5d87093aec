/** Keeps the segments of all repositories within a budget: the oldest leave first, whole. */
import fs from 'node:fs/promises';
import path from 'node:path';
import { findSegments, removeEmpty, type SegmentFile } from './entry-directories.ts';
import { LEAST_WEIGHT } from './segment-name.ts';

/**
 * Threads write on meanwhile, so an eighth of the budget is left free. Who reads a segment that leaves reads on.
 * @param entries where the directories of the repositories are
 * @param budget bytes
 * @throws the system's error
 */
export async function keepWithin(entries: string, budget: number): Promise<void> {
  const segments = await findSegments(entries);
  const weight = ({ bytes }: SegmentFile) => Math.max(bytes, Math.min(LEAST_WEIGHT, budget / 128));
  let total = segments.reduce((sum, each) => sum + weight(each), 0);
  const most = budget * (7 / 8);
  // Names begin with the time.
  for (const segment of segments.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (total <= most) return;
    await fs.rm(path.join(segment.directory, segment.name), { force: true });
    total -= weight(segment);
    await removeEmpty(segment.directory);
  }
}
