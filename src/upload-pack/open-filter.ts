/** What a filter takes from the repository: the patterns of `sparse:oid=`. */
import { filterUnreadable } from '../errors.ts';
import type { Filter } from '../pack/filter.ts';
import { type FilterPlan, planFilter } from '../pack/filter-plan.ts';
import { SparsePatterns } from '../pack/sparse-patterns.ts';
import { BLOB } from '../repository/object-format.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from './command.ts';
import { findObject } from './object-name.ts';

/** Bytes of patterns that one filter may take: git's limit is 100 MiB for each list. */
const MOST_PATTERNS = 4 * 1024 * 1024;

/**
 * Makes a filter ready; the pack's bands are open.
 * @throws PackhorseError `PACKHORSE_FILTER_UNREADABLE` when it names no patterns
 */
export function openFilter({ repository }: CommandContext, filter: Filter): FilterPlan {
  let room = MOST_PATTERNS;
  return planFilter(filter, (name) => {
    const oid = findObject(repository, name);
    if (oid === undefined) throw filterUnreadable(`unable to access sparse blob in '${name}'`);
    const blob = readBlob(repository, oid, room);
    if (!blob) throw filterUnreadable(`unable to parse sparse filter data in ${oid}`);
    room -= blob.length;
    return new SparsePatterns(blob.toString('latin1'));
  });
}

/** Undefined where there is none of at most `most` bytes. */
function readBlob({ objects }: Repository, oid: string, most: number): Buffer | undefined {
  const number = objects.view.findHex(oid);
  if (number < 0 || objects.header(number).type !== BLOB) return undefined;
  return objects.readSmall(number, most)?.data;
}
