/** How deep trees may stand in trees. */
import { repositoryCorrupt } from '../errors.ts';
import type { ObjectReader } from '../repository/object-reader.ts';

/** @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` where git gives up too; a root tree is at depth 0 */
export function checkTreeDepth(depth: number, { maxTreeDepth }: ObjectReader): void {
  if (depth > maxTreeDepth) throw repositoryCorrupt('exceeded maximum allowed tree depth');
}
