/** Which objects of a pack a search for deltas is for. */
import type { ObjectType } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { isDelta } from '../repository/pack-file.ts';
import type { Count } from './count.ts';
import { DeltaCandidates } from './delta-candidates.ts';
import type { Pace } from './pace.ts';
import type { PathHints } from './path-hints.ts';

/**
 * What a search for deltas is given: the objects for which no stored delta can be reused, and what may lend a base.
 * @param thin whether a base may be what the client has
 */
export async function deltaCandidates(
  objects: ObjectReader,
  { objects: order }: Count,
  hints: PathHints,
  thin: boolean,
  pace: Pace,
): Promise<DeltaCandidates> {
  const { view } = objects;
  const candidates = new DeltaCandidates();
  /** How many reused deltas stand on one another on each object. */
  const above = new Uint8Array(order.length);
  // Bases come before their deltas in a pack, so from the end on all that stands on an object is known.
  for (let i = order.length - 1; i >= 0; i--) {
    if (pace.due()) await pace.pause();
    const number = order.at(i);
    const hash = hints.hash(number);
    if (view.isLoose(number)) {
      const { type, size } = objects.header(number);
      candidates.addTarget(number, type, hash, size, -1, above[i]);
      continue;
    }
    try {
      const at = view.packedAt(number);
      const header = at.pack.header(at.rank);
      if (!isDelta(header)) {
        candidates.addTarget(number, header.type as ObjectType, hash, header.size, at.pack.serial, above[i]);
        continue;
      }
      let base = objects.baseOf(at, header);
      if (view.packCount > 1) base = view.find(view.oid(base));
      const sent = order.indexOf(base);
      if (sent >= 0) above[sent] = Math.max(above[sent], Math.min(255, above[i] + 1));
      else if (!thin || !hints.isOffered(base)) {
        // What the client has elsewhere serves too, but a delta on what it has at the same path is mostly shorter.
        const { type, size } = objects.header(number);
        candidates.addTarget(number, type, hash, size, -1, above[i]);
      }
    } catch {
      // Damaged: writing it says so, or finds another copy.
    }
  }
  if (thin) for (const base of hints.bases()) candidates.addBase(base.number, base.type, base.hash);
  return candidates;
}
