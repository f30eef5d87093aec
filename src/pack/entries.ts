/** Stage two of a pack: how each object is represented (`entries`). */
import type { NumberSet } from '../repository/number-set.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import type { PackedAt } from '../repository/object-view.ts';
import type { EntryHeader } from '../repository/pack-file.ts';
import { isDelta } from '../repository/pack-file.ts';
import type { Count } from './count.ts';
import type { MadeDelta } from './delta-search.ts';
import { NumberQueue } from './number-queue.ts';
import type { PackOrder } from './pack-order.ts';
import { type Run, RunFinder } from './runs.ts';

/** Which object an entry is of: its index in {@link Count.objects}, and whether it is written before its turn. */
interface Planned {
  index: number;
  ahead: boolean;
}

/** Entries of the pack to be. */
export type PlannedEntry =
  /** Several entries that are copied as they lie. */
  | Run
  /** A whole object whose stored entry is copied as it lies. */
  | (Planned & { kind: 'stored'; at: PackedAt; header: EntryHeader })
  /** A stored delta whose base is in this pack, written before. */
  | (Planned & { kind: 'delta'; at: PackedAt; header: EntryHeader; base: number })
  /** A stored delta whose base the client has; `baseOid` names it. */
  | (Planned & { kind: 'thin'; at: PackedAt; header: EntryHeader; baseOid: Buffer })
  /** A delta made for this pack; its base is in the pack, written before, or with -1 the client has it. */
  | (Planned & { kind: 'made'; delta: MadeDelta; base: number; baseOid: Buffer })
  /** A loose object, or a delta whose base is not to be had: content deflated anew. */
  | (Planned & { kind: 'deflated' });

export interface EntryOptions {
  /** Whether a delta may be sent whose base is not in the pack. */
  readonly thin: boolean;
  /** Whether a base in the pack may be named by its distance. */
  readonly ofsDelta: boolean;
  /** Whether entries that lie side by side may be copied together. */
  readonly runs: boolean;
}

/**
 * Plans entries in the order of {@link Count.objects}, but every base before its deltas: a base that would come later
 * is pulled forward. A ring of deltas (their bases chosen from different packs) is broken by deflating one anew.
 */
export class EntryPlanner {
  readonly #objects: ObjectReader;
  readonly #order: PackOrder;
  /** What may be the base of a thin delta. */
  readonly #had: NumberSet | undefined;
  readonly #options: EntryOptions;
  readonly #made: ReadonlyMap<number, MadeDelta>;
  readonly #runs: RunFinder;
  #next = 0;
  /** Entries that were pulled forward and whose turn has not come. */
  readonly #ahead = new NumberQueue(0);
  /** Entries that wait for their bases: of a chain that is being planned. */
  readonly #waiting = new Set<number>();

  /** @param made deltas by the number of their object */
  constructor(
    objects: ObjectReader,
    count: Count,
    options: EntryOptions,
    made: ReadonlyMap<number, MadeDelta>,
  ) {
    this.#made = made;
    this.#objects = objects;
    this.#options = options;
    this.#order = count.objects;
    this.#had = options.thin ? count.had : undefined;
    this.#runs = new RunFinder(objects.view, count.objects, options.ofsDelta);
  }

  /**
   * The next entries, `limit` of them or, with the last run, more; none at the end. Entries of runs are looked at here,
   * so one call must not plan too many.
   */
  plan(limit: number): PlannedEntry[] {
    const entries: PlannedEntry[] = [];
    const end = Math.min(this.#order.length, this.#next + limit);
    while (this.#next < end) {
      const last = Math.min(this.#order.length, this.#ahead.least);
      if (last === this.#next) {
        this.#ahead.take(1);
        this.#next++;
        continue;
      }
      const run = this.#options.runs && this.#runs.find(this.#next, last, this.#made);
      if (run) {
        entries.push(run);
        this.#next += run.count;
      } else {
        this.#planWithBases(entries);
        this.#next++;
      }
    }
    return entries;
  }

  /** Plans the next entry, and before it the bases that it needs. */
  #planWithBases(into: PlannedEntry[]): void {
    const chain: Exclude<PlannedEntry, Run>[] = [];
    for (let at = this.#next; ; ) {
      this.#waiting.add(at);
      const entry = this.#represent(at);
      chain.push(entry);
      const base = entry.kind === 'delta' || entry.kind === 'made' ? entry.base : -1;
      if (base < this.#next || this.#ahead.has(base)) break;
      at = base;
    }
    this.#waiting.clear();
    for (let entry = chain.pop(); entry; entry = chain.pop()) {
      into.push(entry);
      if (entry.ahead) this.#ahead.add(entry.index);
    }
  }

  #represent(index: number): Exclude<PlannedEntry, Run> {
    const { view } = this.#objects;
    const number = this.#order.at(index);
    const ahead = index > this.#next;
    const made = this.#made.get(number);
    if (made) {
      const baseOid = Buffer.from(view.oid(made.base));
      return { kind: 'made', index, ahead, delta: made, base: this.#order.indexOf(made.base), baseOid };
    }
    if (view.isLoose(number)) return { kind: 'deflated', index, ahead };
    const at = view.packedAt(number);
    let header: EntryHeader;
    let base: number;
    try {
      header = at.pack.header(at.rank);
      if (!isDelta(header)) return { kind: 'stored', index, ahead, at, header };
      base = this.#objects.baseOf(at, header);
    } catch {
      return { kind: 'deflated', index, ahead }; // damaged: reading says so, or finds another copy
    }
    // A base that lies in several packs is sent from the one where `find` sees it.
    if (view.packCount > 1) base = view.find(view.oid(base));
    const sent = this.#order.indexOf(base);
    if (sent >= 0) {
      if (!this.#waiting.has(sent)) return { kind: 'delta', index, ahead, at, header, base: sent };
    } else if (this.#had?.has(base)) {
      return { kind: 'thin', index, ahead, at, header, baseOid: Buffer.from(view.oid(base)) };
    }
    return { kind: 'deflated', index, ahead };
  }
}
