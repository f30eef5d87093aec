/** Takes out of a set what a filter leaves out by type and size. */
import { NumberSet } from '../repository/number-set.ts';
import { BLOB, COMMIT, type ObjectType, TAG, TREE } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import type { Reachability } from '../repository/reachability.ts';
import type { FilterPlan } from './filter-plan.ts';
import type { Pace } from './pace.ts';

const TYPES: readonly ObjectType[] = [COMMIT, TREE, BLOB, TAG];

/** @param reachability tells the types of many objects at once, where it is given */
export async function applyFilter(
  { types, blobLimit }: FilterPlan,
  objects: ObjectReader,
  set: NumberSet,
  reachability: Reachability | undefined,
  pace: Pace,
): Promise<void> {
  const dropped = TYPES.filter((type) => !types.includes(type));
  if (reachability) for (const type of dropped) set.subtract(typeSet(objects, reachability, type));
  const blobs =
    reachability && blobLimit < Number.POSITIVE_INFINITY ? typeSet(objects, reachability, BLOB) : undefined;
  for (const number of set.toArray()) {
    if (pace.due()) await pace.pause();
    if (reachability?.covers(number)) {
      if (blobs?.has(number) && objects.header(number).size >= blobLimit) set.delete(number);
      continue;
    }
    const { type, size } = objects.header(number);
    if (dropped.includes(type) || (type === BLOB && size >= blobLimit)) set.delete(number);
  }
}

function typeSet({ view }: ObjectReader, reachability: Reachability, type: ObjectType): NumberSet {
  const set = new NumberSet(view);
  reachability.addType(type, set);
  return set;
}
