/** Sets of objects in a hash. */
import type crypto from 'node:crypto';
import type { ObjectView } from '../repository/object-view.ts';

/** Adds how many objects there are, then their ids in order. */
export function addObjects(hash: crypto.Hash, view: ObjectView, numbers: Iterable<number>): void {
  // The numbers of a pack ascend with their ids, which so are in order but for where one pack ends.
  const ascending = Uint32Array.from(new Set(numbers)).sort();
  const oids = Array.from(ascending, (number) => view.oid(number)).sort(Buffer.compare);
  hash.update(`${oids.length}\n`);
  hash.update(Buffer.concat(oids));
}
