/** Objects of a view by number: type, size, content. */
import { ioError, isSystemError, type PackhorseError, reasonOf, repositoryCorrupt } from '../errors.ts';
import { already, inOneGo, inStretches, type Pause, type Stretches } from '../stretches.ts';
import { applyDelta, checkDeltaHeader, readDeltaHeader } from './apply-delta.ts';
import type { CommitGraph } from './commit-graph.ts';
import { damaged, headerAt, isUnreadable, ringOfDeltas } from './entry-faults.ts';
import { GraphedCommits } from './graphed-commits.ts';
import { readLoose, readLooseHeader, streamLoose } from './loose-objects.ts';
import type { ObjectArena } from './object-arena.ts';
import { type ObjectType, OFS_DELTA, type StoredObject, TREE } from './object-format.ts';
import type { ObjectView, PackedAt } from './object-view.ts';
import { type EntryHeader, isDelta } from './pack-file.ts';
import { streamRebuilt, streamStored } from './stream-entries.ts';
import { inflateInto } from './zlib-handle.ts';

/** No zlib stream inflates to more than this for each of its bytes. */
const LARGEST_INFLATION = 1040;

const TOO_LARGE = new Error('the entry is too large');

/** Bytes of the memory for deltas at first. */
const LEAST_DELTA = 4096;

/** A delta starts with two sizes of at most ten bytes each. */
const DELTA_HEAD = 20;

export interface ObjectHeader {
  readonly type: ObjectType;
  /** Bytes of content. */
  readonly size: number;
}

export interface ReaderOptions {
  /** Called when a commit is asked for, once until the graph is let go of. */
  readonly openGraph?: () => Stretches<CommitGraph | undefined>;
  /** See {@link ObjectReader.maxTreeDepth}. */
  readonly maxTreeDepth?: number;
}

/** git's default of `core.maxTreeDepth`. */
export const MAX_TREE_DEPTH = 2048;

export class ObjectReader {
  readonly view: ObjectView;
  /** A walk that comes to a tree below so many others and one more ends with an error. */
  readonly maxTreeDepth: number;
  readonly #arena: ObjectArena;
  /** The delta being applied; it grows to the largest seen. */
  #delta = Buffer.allocUnsafeSlow(LEAST_DELTA);
  #elsewhere = false;
  /** Larger entries are not inflated. */
  #most = Number.POSITIVE_INFINITY;
  readonly #openGraph: () => Stretches<CommitGraph | undefined>;
  #graph: GraphedCommits | undefined | null = null;

  constructor(
    view: ObjectView,
    arena: ObjectArena,
    { openGraph = () => already(undefined), maxTreeDepth = MAX_TREE_DEPTH }: ReaderOptions = {},
  ) {
    this.view = view;
    this.maxTreeDepth = maxTreeDepth;
    this.#arena = arena;
    this.#openGraph = openGraph;
  }

  /** What the commit-graph says of commits; undefined where there is none to be used. */
  get graph(): GraphedCommits | undefined {
    if (this.#graph === null) this.#graph = this.#numbered(inOneGo(this.#openGraph()));
    return this.#graph;
  }

  /** Opens the commit-graph, with pauses, which {@link graph} does in one go when it is first asked for. */
  async prepareGraph(pause: Pause): Promise<void> {
    if (this.#graph === null) this.#graph = this.#numbered(await inStretches(this.#openGraph(), pause));
  }

  /** Lets go of what many reads leave behind: the graph, which is opened anew when it is asked for, and a large delta. */
  forget(): void {
    this.#graph = null;
    this.#delta = Buffer.allocUnsafeSlow(LEAST_DELTA);
  }

  #numbered(graph: CommitGraph | undefined): GraphedCommits | undefined {
    return graph && new GraphedCommits(graph, this.view);
  }

  /**
   * Type and size, without reading the content.
   * @throws PackhorseError `PACKHORSE_OBJECT_MISSING`, `PACKHORSE_REPOSITORY_CORRUPT`
   */
  header(number: number): ObjectHeader {
    if (this.view.isLoose(number)) {
      return this.#loose(number, readLooseHeader, (copy) => this.header(copy)) ?? { type: TREE, size: 0 };
    }
    try {
      return this.#headerOfPacked(number);
    } catch (error) {
      return this.#fromCopy(this.view.packedAt(number), error, (copy) => this.header(copy));
    }
  }

  /**
   * The whole content, in memory that is used again: valid until a few more objects have been read. Throws as
   * {@link header}.
   */
  read(number: number): StoredObject {
    if (this.view.isLoose(number)) {
      const empty: StoredObject = { type: TREE, data: Buffer.alloc(0) };
      return this.#loose(number, readLoose, (copy) => this.read(copy)) ?? empty;
    }
    const deltas: { at: PackedAt; header: EntryHeader }[] = [];
    let object: StoredObject | undefined;
    for (let at = this.view.packedAt(number); ; ) {
      object = this.#arena.get(at.pack, at.rank);
      if (object) break;
      const passing = deltas.length > 0;
      const entry = this.#orElsewhere(at, () => this.#open(at, passing));
      if ('data' in entry) {
        object = entry;
        break;
      }
      deltas.push({ at, header: entry.header });
      if (deltas.length > at.pack.index.count) throw ringOfDeltas(at.pack);
      if (this.view.isLoose(entry.base)) {
        object = this.read(entry.base);
        break;
      }
      at = this.view.packedAt(entry.base);
    }
    for (let step = deltas.pop(); step; step = deltas.pop()) {
      const { at, header } = step;
      const base: StoredObject = object;
      const passing = deltas.length > 0;
      object = this.#orElsewhere(at, (): StoredObject => this.#rebuild(base, at, header, passing));
    }
    return object;
  }

  /**
   * The delta that a packed object is stored as; valid until something else is read.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`
   */
  readDelta(number: number): Buffer {
    const at = this.view.packedAt(number);
    return this.#readDelta(at, at.pack.header(at.rank));
  }

  /**
   * {@link read}, but undefined where something larger would have to be inflated for it.
   * @param most bytes of the object, and of what it is stored as a delta of
   */
  readSmall(number: number, most: number): StoredObject | undefined {
    if (this.view.isLoose(number) && this.header(number).size > most) return undefined;
    this.#most = most;
    try {
      return this.read(number);
    } catch (error) {
      if (error === TOO_LARGE) return undefined;
      throw error;
    } finally {
      this.#most = Number.POSITIVE_INFINITY;
    }
  }

  /** Bytes of the largest content that it takes to rebuild the object: its own, or that of a base. */
  span(number: number): number {
    let largest = 0;
    for (const step of this.#chain(number)) {
      if ('loose' in step) largest = Math.max(largest, this.header(step.loose).size);
      else if (!isDelta(step.header)) largest = Math.max(largest, step.header.size);
      else {
        const { at, header } = step;
        const head = readDeltaHeader(at.pack.inflateHead(at.rank, header, DELTA_HEAD));
        largest = Math.max(largest, header.size, head.resultSize, head.baseSize);
      }
    }
    return largest;
  }

  /**
   * The whole content, slice by slice, however large. Bases of deltas are put into temporary files.
   * Throws as {@link header}.
   */
  async *stream(number: number): AsyncGenerator<Buffer> {
    const chain = [...this.#chain(number)];
    const root = chain.pop()!;
    let content = 'loose' in root ? this.#streamLoose(root.loose) : streamStored(root.at, root.header);
    for (let step = chain.pop(); step; step = chain.pop()) {
      if ('loose' in step) break; // only the root is
      content = streamRebuilt(content, streamStored(step.at, step.header));
    }
    yield* content;
  }

  /**
   * The number of the object that a delta entry is based on: the copy in the same pack, else any.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when there is none
   */
  baseOf({ pack, rank }: PackedAt, header: EntryHeader): number {
    if (header.type === OFS_DELTA) {
      const base = pack.index.rankAt(header.baseOffset!);
      if (base >= 0) return this.view.numberOf(pack, base);
    } else {
      const base = pack.index.find(header.baseOid!);
      const number = base >= 0 ? this.view.numberOf(pack, base) : this.view.find(header.baseOid!);
      if (number >= 0) return number;
    }
    const oid = pack.index.oid(rank).toString('hex');
    throw repositoryCorrupt(`unable to read ${oid}: ${pack.name}.pack lacks the base of its delta`);
  }

  /** From the object to the root of its delta chain, which is stored whole. */
  *#chain(number: number): Generator<{ loose: number } | { at: PackedAt; header: EntryHeader }> {
    let current = number;
    for (let steps = 0; !this.view.isLoose(current); steps++) {
      const at = this.view.packedAt(current);
      const header = headerAt(at);
      yield { at, header };
      if (!isDelta(header)) return;
      if (steps > at.pack.index.count) throw ringOfDeltas(at.pack);
      current = this.baseOf(at, header);
    }
    yield { loose: current };
  }

  async *#streamLoose(number: number): AsyncGenerator<Buffer> {
    const empty = (async function* () {})();
    const open = (file: string) => this.#guarded(number, streamLoose(file));
    yield* this.#loose<AsyncGenerator<Buffer>>(number, open, (copy) => this.stream(copy)) ?? empty;
  }

  async *#guarded(number: number, content: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    try {
      yield* content;
    } catch (error) {
      throw this.#damagedLoose(number, error);
    }
  }

  /** What an entry stores: an object, or the header of a delta and the number of its base. */
  #open(at: PackedAt, passing: boolean): StoredObject | { header: EntryHeader; base: number } {
    const header = at.pack.header(at.rank);
    return isDelta(header) ? { header, base: this.baseOf(at, header) } : this.#readWhole(at, header, passing);
  }

  #orElsewhere<T>(at: PackedAt, read: () => T): T | StoredObject {
    try {
      return read();
    } catch (error) {
      return this.#fromCopy(at, error, (copy) => this.read(copy));
    }
  }

  /**
   * Reads a good copy of an object, in another pack or loose, where the one at `at` is damaged or the disk does not give
   * it.
   * @throws `error` where there is none
   */
  #fromCopy<T>(at: PackedAt, error: unknown, read: (copy: number) => T): T {
    const cause = isSystemError(error) ? damaged(at.pack, at.rank, error) : error;
    // One copy is looked for at a time: they may be made of one another.
    if (!isUnreadable(cause) || this.#elsewhere) throw cause;
    this.#elsewhere = true;
    try {
      for (const copy of this.view.copiesNow(this.view.numberOf(at.pack, at.rank))) {
        try {
          return read(copy);
        } catch (failure) {
          if (!isUnreadable(failure)) throw failure;
        }
      }
    } finally {
      this.#elsewhere = false;
    }
    throw cause;
  }

  #headerOfPacked(number: number): ObjectHeader {
    let size: number | undefined;
    for (const step of this.#chain(number)) {
      if ('loose' in step) return { type: this.header(step.loose).type, size: size! };
      const { at, header } = step;
      if (!isDelta(header)) return { type: header.type as ObjectType, size: size ?? header.size };
      size ??= readDeltaHeader(at.pack.inflateHead(at.rank, header, DELTA_HEAD)).resultSize;
    }
    throw new Error('a delta chain has no end');
  }

  #readWhole(at: PackedAt, header: EntryHeader, passing: boolean): StoredObject {
    const { size } = header;
    this.#checkSize(at, header);
    const room = this.#arena.room(size, passing);
    this.#inflate(at, header, room.memory, room.at);
    const type = header.type as ObjectType;
    this.#arena.keep(at.pack, at.rank, type, room, size);
    return { type, data: room.memory.subarray(room.at, room.at + size) };
  }

  #readDelta(at: PackedAt, header: EntryHeader): Buffer {
    this.#checkSize(at, header);
    if (this.#delta.length < header.size + 1) this.#delta = Buffer.allocUnsafeSlow(header.size * 2 + 1024);
    this.#inflate(at, header, this.#delta, 0);
    return this.#delta.subarray(0, header.size);
  }

  #rebuild(base: StoredObject, at: PackedAt, header: EntryHeader, passing: boolean): StoredObject {
    const delta = this.#readDelta(at, header);
    try {
      const size = checkDeltaHeader(delta, base.data.length).resultSize;
      const room = this.#arena.room(size, passing);
      const data = room.memory.subarray(room.at, room.at + size);
      applyDelta(base.data, delta, data);
      this.#arena.keep(at.pack, at.rank, base.type, room, size);
      return { type: base.type, data };
    } catch (error) {
      throw damaged(at.pack, at.rank, error);
    }
  }

  /** Before memory is taken: a damaged header may claim any size. */
  #checkSize({ pack, rank }: PackedAt, header: EntryHeader): void {
    if (header.size > this.#most) throw TOO_LARGE;
    if (header.size <= (pack.end(rank) - header.data) * LARGEST_INFLATION) return;
    throw damaged(pack, rank, new Error('it claims to hold more than its bytes can'));
  }

  #damagedLoose(number: number, cause: unknown): PackhorseError {
    const what = `unable to read ${this.view.hex(number)}`;
    if (isSystemError(cause)) return ioError(what, cause);
    return repositoryCorrupt(`${what}: loose object is corrupt (${reasonOf(cause)})`, cause);
  }

  #inflate({ pack, rank }: PackedAt, header: EntryHeader, into: Buffer, to: number): void {
    try {
      inflateInto(pack.bytes(header.data, pack.end(rank) - header.data), into, to, header.size);
    } catch (error) {
      throw damaged(pack, rank, error);
    }
  }

  /**
   * Reads a loose object. One that a repack took away meanwhile is read from its pack; undefined stands for an
   * empty tree that no one stored.
   */
  #loose<T>(number: number, read: (file: string) => T, packed: (number: number) => T): T | undefined {
    const file = this.view.looseFile(number);
    try {
      if (file) return read(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw this.#damagedLoose(number, error);
    }
    let copy = this.view.findPackedCopy(number);
    if (copy < 0) {
      this.view.rescan();
      copy = this.view.findPackedCopy(number);
    }
    if (copy >= 0) return packed(copy);
    const hex = this.view.hex(number);
    if (hex === this.view.format.emptyTree) return undefined;
    throw this.view.missing(hex);
  }
}
