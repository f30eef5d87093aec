/** Stage two of a pack: how each object is represented (`entries`). */
import type { ObjectReader } from '../repository/object-reader.ts';
import { isDelta } from '../repository/object-reader.ts';
import type { PackedAt } from '../repository/object-view.ts';
import type { EntryHeader } from '../repository/pack-file.ts';
import type { Count } from './count.ts';
import type { MadeDelta } from './delta-search.ts';
import { PackOrder } from './pack-order.ts';
import { type Run, RunFinder } from './runs.ts';

/** One entry of the pack to be. `index` counts in {@link Count.objects}. */
export type PlannedEntry =
  /** Several entries that are copied as they lie. */
  | Run
  /** A whole object whose stored entry is copied as it lies. */
  | { kind: 'stored'; index: number; at: PackedAt; header: EntryHeader }
  /** A stored delta whose base is in this pack, written before. */
  | { kind: 'delta'; index: number; at: PackedAt; header: EntryHeader; base: number }
  /** A stored delta whose base the client has; `baseOid` names it. */
  | { kind: 'thin'; index: number; at: PackedAt; header: EntryHeader; baseOid: Buffer }
  /** A delta made for this pack; its base is in the pack, written before, or with -1 the client has it. */
  | { kind: 'made'; index: number; delta: MadeDelta; base: number; baseOid: Buffer }
  /** A loose object, or a delta whose base is not to be had: content deflated anew. */
  | { kind: 'deflated'; index: number };

export interface EntryOptions {
  /** Whether a delta may be sent whose base is not in the pack. */
  readonly thin: boolean;
  /** Whether a base in the pack may be named by its distance. */
  readonly ofsDelta: boolean;
  /** Whether entries that lie side by side may be copied together. */
  readonly runs: boolean;
}

const PLANNED = 1;
const IN_PROGRESS = 2;

/**
 * Plans entries in the order of {@link Count.objects}, but every base before its deltas: a base that would come later
 * is pulled forward. A ring of deltas (their bases chosen from different packs) is broken by deflating one anew.
 */
export class EntryPlanner {
  readonly #objects: ObjectReader;
  readonly #count: Count;
  readonly #options: EntryOptions;
  readonly #made: ReadonlyMap<number, MadeDelta>;
  readonly #order: PackOrder;
  readonly #state: Uint8Array;
  readonly #runs: RunFinder;
  #next = 0;
  /** Behind the last entry that was pulled forward, and the first of those to come, as far as it is known. */
  #pulledEnd = 0;
  #pulled = -1;

  /** @param made deltas by the number of their object */
  constructor(
    objects: ObjectReader,
    count: Count,
    options: EntryOptions,
    made: ReadonlyMap<number, MadeDelta>,
  ) {
    this.#made = made;
    this.#objects = objects;
    this.#count = count;
    this.#options = options;
    this.#order = new PackOrder(count.objects);
    this.#state = new Uint8Array(count.objects.length);
    this.#runs = new RunFinder(objects.view, count.objects, options.ofsDelta, (number) =>
      this.#order.indexOf(number),
    );
  }

  /**
   * The next entries, `limit` of them or, with the last run, more; none at the end. Entries of runs are looked at here,
   * so one call must not plan too many.
   */
  plan(limit: number): PlannedEntry[] {
    const entries: PlannedEntry[] = [];
    const end = Math.min(this.#state.length, this.#next + limit);
    while (this.#next < end) {
      const run = this.#options.runs && this.#runs.find(this.#next, this.#nextPulled(), this.#made);
      if (run) {
        entries.push(run);
        this.#next += run.count;
      } else {
        if (this.#state[this.#next] !== PLANNED) this.#planWithBases(this.#next, entries);
        this.#next++;
      }
    }
    return entries;
  }

  /** The next entry that was planned already, or the end. */
  #nextPulled(): number {
    if (this.#next >= this.#pulledEnd) return this.#state.length;
    if (this.#pulled < this.#next) {
      for (this.#pulled = this.#next; this.#state[this.#pulled] !== PLANNED; ) this.#pulled++;
    }
    return this.#pulled;
  }

  #planWithBases(index: number, into: PlannedEntry[]): void {
    const chain: PlannedEntry[] = [];
    for (let at = index; ; ) {
      this.#state[at] = IN_PROGRESS;
      const entry = this.#represent(at);
      chain.push(entry);
      const base = entry.kind === 'delta' || entry.kind === 'made' ? entry.base : -1;
      if (base < this.#next || this.#state[base] === PLANNED) break;
      at = base;
    }
    for (let entry = chain.pop(); entry; entry = chain.pop()) {
      this.#state[entry.index] = PLANNED;
      into.push(entry);
      if (entry.index > this.#next) this.#pulledAhead(entry.index);
    }
  }

  #pulledAhead(index: number): void {
    this.#pulledEnd = Math.max(this.#pulledEnd, index + 1);
    if (index < this.#pulled) this.#pulled = -1;
  }

  #represent(index: number): PlannedEntry {
    const { view } = this.#objects;
    const number = this.#count.objects[index];
    const made = this.#made.get(number);
    if (made) {
      const baseOid = Buffer.from(view.oid(made.base));
      return { kind: 'made', index, delta: made, base: this.#order.indexOf(made.base), baseOid };
    }
    if (view.isLoose(number)) return { kind: 'deflated', index };
    const at = view.packedAt(number);
    let header: EntryHeader;
    let base: number;
    try {
      header = at.pack.header(at.rank);
      if (!isDelta(header)) return { kind: 'stored', index, at, header };
      base = this.#objects.baseOf(at, header);
    } catch {
      return { kind: 'deflated', index }; // damaged: reading says so, or finds another copy
    }
    // A base that lies in several packs is sent from the one where `find` sees it.
    if (view.packCount > 1) base = view.find(view.oid(base));
    const sent = this.#order.indexOf(base);
    if (sent >= 0) {
      if (this.#state[sent] !== IN_PROGRESS) return { kind: 'delta', index, at, header, base: sent };
    } else if (this.#options.thin && this.#count.clientHas(base)) {
      return { kind: 'thin', index, at, header, baseOid: Buffer.from(view.oid(base)) };
    }
    return { kind: 'deflated', index };
  }
}
