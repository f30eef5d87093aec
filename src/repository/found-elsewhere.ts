/**
 * Objects that lie in several packs have one number in a view, that of the copy which is found first. A bitmap names the
 * copy in its own pack.
 */
import type { NumberSet } from './number-set.ts';
import type { ObjectView } from './object-view.ts';
import type { PackFile } from './pack-file.ts';

/** By pack, and by another pack: ranks in the first of the objects that both hold. Packs do not change. */
const shared = new WeakMap<PackFile, WeakMap<PackFile, Uint32Array>>();

function sharedRanks(pack: PackFile, other: PackFile): Uint32Array {
  const known = shared.get(pack) ?? new WeakMap<PackFile, Uint32Array>();
  shared.set(pack, known);
  const ranks = known.get(other) ?? compareIds(pack, other);
  known.set(other, ranks);
  return ranks;
}

function compareIds({ index }: PackFile, { index: other }: PackFile): Uint32Array {
  const ranks: number[] = [];
  if (index.count <= other.count) {
    for (let rank = 0; rank < index.count; rank++) if (other.find(index.oid(rank)) >= 0) ranks.push(rank);
  } else {
    for (let rank = 0; rank < other.count; rank++) {
      const found = index.find(other.oid(rank));
      if (found >= 0) ranks.push(found);
    }
  }
  return Uint32Array.from(ranks);
}

/** The objects of a pack that a view finds in others. */
export class FoundElsewhere {
  readonly #numbers: number[] = [];
  readonly #found: number[] = [];

  /**
   * @param base the number of the pack's first object
   * @param others those packs that may hold an object of the pack and be asked before it
   */
  constructor(view: ObjectView, pack: PackFile, base: number, others: Iterable<PackFile>) {
    for (const other of others) {
      for (const rank of sharedRanks(pack, other)) {
        const found = view.find(pack.index.oid(rank));
        if (found === base + rank) continue;
        this.#numbers.push(base + rank);
        this.#found.push(found);
      }
    }
  }

  /** Gives the objects in a set the numbers that the view has for them. */
  renumber(set: NumberSet): void {
    for (const [i, number] of this.#numbers.entries()) {
      if (!set.has(number)) continue;
      set.delete(number);
      set.add(this.#found[i]);
    }
  }
}
