/** Sets of objects in a hash. */
import type crypto from 'node:crypto';
import type { ObjectView } from '../repository/object-view.ts';

/** Adds how many objects there are, then their ids in order. */
export function addObjects(hash: crypto.Hash, view: ObjectView, numbers: Iterable<number>): void {
  // The ids of each index are in order: integers are sorted, and then hardly any id is out of place.
  const places = Uint32Array.from(new Set(numbers), (number) => placeOf(view, number)).sort();
  const oids = Array.from(places, (place) => oidAt(view, place)).sort(Buffer.compare);
  hash.update(`${oids.length}\n`);
  hash.update(Buffer.concat(oids));
}

/** In place of the rank in its pack, which the number of an object has, this has the position in its index. */
function placeOf(view: ObjectView, number: number): number {
  if (view.isLoose(number)) return number;
  const { pack, rank } = view.packedAt(number);
  return number - rank + pack.index.positionOf(rank);
}

function oidAt(view: ObjectView, place: number): Buffer {
  if (view.isLoose(place)) return view.oid(place);
  const { pack, rank: position } = view.packedAt(place);
  return pack.index.oid(pack.index.rankOf(position));
}
