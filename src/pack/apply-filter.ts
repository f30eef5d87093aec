/** Takes out of a set what a filter leaves out by type and size. */
import { NumberSet } from '../repository/number-set.ts';
import { BLOB, COMMIT, type ObjectType, TAG, TREE } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import type { Reachability } from '../repository/reachability.ts';
import { inStretches } from '../stretches.ts';
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
  const typeSet = async (type: ObjectType, from: Reachability): Promise<NumberSet> => {
    const all = new NumberSet(objects.view);
    await inStretches(from.addType(type, all), pace.pauseIfDue);
    return all;
  };
  let blobs: NumberSet | undefined;
  if (reachability) {
    for (const type of dropped) set.subtract(await typeSet(type, reachability));
    if (blobLimit < Number.POSITIVE_INFINITY) blobs = await typeSet(BLOB, reachability);
  }
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
