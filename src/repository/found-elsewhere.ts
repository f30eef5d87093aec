/**
 * Objects that lie in several packs have one number in a view, that of the copy which is found first. A bitmap names the
 * copy in its own pack.
 */
import { SharedWork } from '../shared-work.ts';
import type { Stretches } from '../stretches.ts';
import type { NumberSet } from './number-set.ts';
import type { ObjectView } from './object-view.ts';
import type { PackFile } from './pack-file.ts';

/** Objects that are looked up in one stretch: some 0.5 ms. */
const PACE = 1024;

/** By pack, and by another pack: ranks in the first of the objects that both hold. Packs do not change. */
const shared = new WeakMap<PackFile, WeakMap<PackFile, Uint32Array>>();
const comparing = new SharedWork<Uint32Array>();

function* sharedRanks(pack: PackFile, other: PackFile): Stretches<Uint32Array> {
  const known = shared.get(pack) ?? new WeakMap<PackFile, Uint32Array>();
  shared.set(pack, known);
  const key = `${pack.serial} ${other.serial}`;
  const ranks = known.get(other) ?? (yield* comparing.do(key, () => compareIds(pack, other)));
  known.set(other, ranks);
  return ranks;
}

function* compareIds({ index }: PackFile, { index: other }: PackFile): Stretches<Uint32Array> {
  const ranks: number[] = [];
  const [fewer, more] = index.count <= other.count ? [index, other] : [other, index];
  for (let rank = 0; rank < fewer.count; rank++) {
    if (rank % PACE === PACE - 1) yield;
    const found = more.find(fewer.oid(rank));
    if (found >= 0) ranks.push(fewer === index ? rank : found);
  }
  return Uint32Array.from(ranks);
}

/** The objects of a pack that a view finds in others. */
export class FoundElsewhere {
  readonly #numbers: number[] = [];
  readonly #found: number[] = [];

  private constructor() {}

  /**
   * @param base the number of the pack's first object
   * @param others those packs that may hold an object of the pack and be asked before it
   */
  static *find(
    view: ObjectView,
    pack: PackFile,
    base: number,
    others: Iterable<PackFile>,
  ): Stretches<FoundElsewhere> {
    const elsewhere = new FoundElsewhere();
    for (const other of others) {
      for (const [i, rank] of (yield* sharedRanks(pack, other)).entries()) {
        if (i % PACE === PACE - 1) yield;
        const found = view.find(pack.index.oid(rank));
        if (found === base + rank) continue;
        elsewhere.#numbers.push(base + rank);
        elsewhere.#found.push(found);
      }
    }
    return elsewhere;
  }

  /** Gives the objects in a set the numbers that the view has for them. */
  *renumber(set: NumberSet): Stretches<void> {
    for (const [i, number] of this.#numbers.entries()) {
      if (i % PACE === PACE - 1) yield;
      if (!set.has(number)) continue;
      set.delete(number);
      set.add(this.#found[i]);
    }
  }
}
