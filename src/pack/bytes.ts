/** Stage three of a pack: header, entries one at a time, trailing hash (`bytes`). */
import { pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import { isSystemError } from '../errors.ts';
import { Deflated } from '../repository/deflated.ts';
import { damaged } from '../repository/entry-faults.ts';
import { OFS_DELTA, REF_DELTA, type StoredObject } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import type { PackedAt } from '../repository/object-view.ts';
import type { EntryHeader, PackFile } from '../repository/pack-file.ts';
import { remakeDelta } from './delta-search.ts';
import type { PlannedEntry } from './entries.ts';
import { hasCrc, WHOLE } from './entry-crc.ts';
import { writeDistance, writeTypeAndSize } from './entry-header.ts';
import type { KeptEntries } from './kept-entries.ts';
import type { Pace } from './pace.ts';
import type { PackOrder } from './pack-order.ts';
import type { PackWriter } from './pack-writer.ts';
import { Placement } from './placement.ts';
import { RunWriter } from './run-writer.ts';
import type { Run } from './runs.ts';

/** Longer content is inflated and deflated as a stream, slice by slice. */
const STREAM_FROM = 4 * 1024 * 1024;
/** One for the thread: nothing is awaited between making a stream and copying it. */
const deflated = new Deflated();
/** An entry header with the longest base id. */
const LONGEST_HEADER = 48;

type ReusedEntry = Extract<PlannedEntry, { kind: 'stored' | 'delta' | 'thin' }>;
type MadeEntry = Extract<PlannedEntry, { kind: 'made' }>;
type DeltaEntry = Extract<PlannedEntry, { kind: 'delta' | 'thin' | 'made' }>;

/**
 * Where entries come from: runs copied as they lie, deltas and streams copied one by one, deltas made, content deflated
 * for an earlier pack, content deflated anew.
 */
export type Source = 'verbatim' | 'delta' | 'stream' | 'made' | 'kept' | 'deflated';

const bySource = (): Record<Source, number> => ({
  verbatim: 0,
  delta: 0,
  stream: 0,
  made: 0,
  kept: 0,
  deflated: 0,
});

export interface BytesOptions {
  /** Whether a base in the pack may be named by its distance. */
  readonly ofsDelta: boolean;
  /** zlib level of what is deflated anew; -1 is zlib's own. */
  readonly level: number;
  /** Bytes of the longest content that is read whole, within a bound of our own; longer content is a stream. */
  readonly largest: number;
  /** What was deflated for earlier packs, at the same level. */
  readonly kept?: KeptEntries | undefined;
}

export class EntryWriter {
  /** What became of the entries, in objects and in bytes of the pack. */
  readonly objects = bySource();
  readonly bytes = bySource();
  /** Packs that runs were copied from. */
  readonly packs = new Set<PackFile>();
  readonly #objects: ObjectReader;
  readonly #order: PackOrder;
  readonly #writer: PackWriter;
  readonly #options: BytesOptions;
  readonly #pace: Pace;
  readonly #placement = new Placement();
  readonly #runs: RunWriter;
  readonly #head = Buffer.alloc(LONGEST_HEADER);

  constructor(
    objects: ObjectReader,
    order: PackOrder,
    writer: PackWriter,
    options: BytesOptions,
    pace: Pace,
  ) {
    this.#objects = objects;
    this.#order = order;
    this.#writer = writer;
    this.#options = options;
    this.#pace = pace;
    this.#runs = new RunWriter(order, this.#placement, writer, pace);
  }

  /** @throws PackhorseError `PACKHORSE_OBJECT_MISSING`, `PACKHORSE_REPOSITORY_CORRUPT`, `PACKHORSE_CANCELLED` */
  async write(entry: PlannedEntry): Promise<void> {
    const start = this.#writer.offset;
    if (entry.kind === 'run') {
      try {
        await this.#runs.write(entry);
      } finally {
        this.bytes.verbatim += this.#writer.offset - start;
      }
      this.objects.verbatim += entry.count;
      this.packs.add(entry.at.pack);
      return;
    }
    const put = this.#put(entry, start);
    // A promise for each of many small entries would cost more than to copy them.
    const source = typeof put === 'string' ? put : await put;
    this.objects[source]++;
    this.bytes[source] += this.#writer.offset - start;
  }

  #put(entry: Exclude<PlannedEntry, Run>, start: number): Source | Promise<Source> {
    const { index, ahead } = entry;
    if (ahead) this.#placement.placeAhead(index, start, this.#storedAt(index));
    else this.#placement.place(index, start, this.#storedAt(index));
    if (entry.kind === 'deflated') return this.#putContent(this.#order.at(index), start);
    return entry.kind === 'made' ? this.#putMade(entry, start) : this.#putReused(entry, start);
  }

  async #putReused(entry: ReusedEntry, start: number): Promise<Source> {
    const { index } = entry;
    const { pack, rank } = entry.at;
    const fault = await this.#faultOf(entry);
    if (fault) {
      await this.#deflateElsewhere(this.#order.at(index), start, fault);
      return 'deflated';
    }
    const from = entry.header.data;
    const length = pack.end(rank) - from;
    if (length <= WHOLE) await this.#putWhole(this.#header(entry, start), pack.bytes(from, length));
    else await this.#putSlices(entry.at, entry.header, this.#header(entry, start));
    return entry.kind === 'stored' ? 'stream' : 'delta';
  }

  /** Why a stored entry cannot be sent as it lies. */
  async #faultOf(entry: ReusedEntry): Promise<Error | undefined> {
    const { pack, rank } = entry.at;
    try {
      return (await this.#isSound(entry)) ? undefined : wrongCrc(pack, rank);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      return damaged(pack, rank, error);
    }
  }

  /**
   * Whether a stored entry has the CRC-32 it should have. A large one is read twice for that only where there is
   * another copy to turn to; else {@link #putSlices} looks while it leaves.
   */
  async #isSound({ index, at: { pack, rank } }: ReusedEntry): Promise<boolean> {
    const from = pack.index.offset(rank);
    const length = pack.end(rank) - from;
    if (length <= WHOLE) return hasCrc(pack, rank, zlib.crc32(pack.bytes(from, length)));
    if (this.#objects.view.copies(this.#order.at(index)).next().done) return true;
    let crc = 0;
    for (const slice of pack.slices(from, from + length)) {
      crc = zlib.crc32(slice, crc);
      if (this.#pace.due()) await this.#pace.pause();
    }
    return hasCrc(pack, rank, crc);
  }

  async #putMade(entry: MadeEntry, start: number): Promise<Source> {
    const { delta, index } = entry;
    const { level } = this.#options;
    const stream =
      delta.stream ?? deflated.make(remakeDelta(this.#objects, this.#order.at(index), delta), level);
    await this.#putWhole(this.#deltaHeader(entry, delta.size, start), stream);
    return 'made';
  }

  /** Where the entry of an object lies in its pack; 0 where it is loose. */
  #storedAt(index: number): number {
    const { view } = this.#objects;
    const number = this.#order.at(index);
    if (view.isLoose(number)) return 0;
    const { pack, rank } = view.packedAt(number);
    return pack.index.offset(rank);
  }

  /** The header of a reused entry in `#head`, and its length. */
  #header(entry: ReusedEntry, start: number): number {
    const { size, type } = entry.header;
    if (entry.kind === 'stored') return writeTypeAndSize(this.#head, 0, type, size);
    return this.#deltaHeader(entry, size, start);
  }

  #deltaHeader(entry: DeltaEntry, size: number, start: number): number {
    const head = this.#head;
    const base = entry.kind === 'thin' ? -1 : entry.base;
    if (base >= 0 && this.#options.ofsDelta) {
      const distance = start - this.#placement.offsetOf(base, this.#storedAt(base));
      return writeDistance(head, writeTypeAndSize(head, 0, OFS_DELTA, size), distance);
    }
    const oid = entry.kind === 'delta' ? this.#objects.view.oid(this.#order.at(base)) : entry.baseOid;
    const at = writeTypeAndSize(head, 0, REF_DELTA, size);
    head.set(oid, at);
    return at + oid.length;
  }

  /** @param stream a stored zlib stream, valid until the next read */
  async #putWhole(headLength: number, stream: Uint8Array): Promise<void> {
    if (this.#fill(headLength, stream)) return;
    await this.#writer.write(Buffer.concat([this.#head.subarray(0, headLength), stream]));
  }

  /** Puts an entry into the chunk at hand; false where that has no room for all of it. */
  #fill(headLength: number, stream: Uint8Array): boolean {
    const writer = this.#writer;
    const length = headLength + stream.length;
    if (writer.room < length) return false;
    const { at, bytes } = writer;
    for (let i = 0; i < headLength; i++) bytes[at + i] = this.#head[i];
    bytes.set(stream, at + headLength);
    writer.advance(length);
    return true;
  }

  /** A stored zlib stream of any length. That it is damaged is known only when it has gone out. */
  async #putSlices({ pack, rank }: PackedAt, header: EntryHeader, headLength: number): Promise<void> {
    const writer = this.#writer;
    const stored = pack.index.offset(rank);
    let crc = zlib.crc32(pack.bytes(stored, header.data - stored));
    await writer.write(this.#head.subarray(0, headLength));
    const end = pack.end(rank);
    for (let from = header.data; from < end; ) {
      if (writer.room === 0) await writer.next();
      const n = Math.min(writer.room, end - from);
      const { at, bytes } = writer;
      pack.copy(from, n, bytes, at);
      crc = zlib.crc32(bytes.subarray(at, at + n), crc);
      writer.advance(n);
      from += n;
      if (this.#pace.due()) await this.#pace.pause();
    }
    if (!hasCrc(pack, rank, crc)) throw wrongCrc(pack, rank);
    if (header.type !== REF_DELTA) pack.copyable[rank >>> 5] |= 1 << (rank & 31);
  }

  #putContent(number: number, start: number): Source | Promise<Source> {
    const entry = this.#options.kept?.find(this.#objects.view.oid(number));
    if (!entry) return this.#deflate(number, start).then(() => 'deflated');
    return this.#fill(0, entry) ? 'kept' : this.#putWhole(0, entry).then(() => 'kept');
  }

  async #deflate(number: number, start: number): Promise<void> {
    try {
      await this.#deflateFrom(number);
    } catch (error) {
      if (this.#writer.offset !== start) throw error;
      await this.#deflateElsewhere(number, start, error);
    }
  }

  /** An object whose copy at `number` is damaged, from another copy; throws `cause` where no other is good. */
  async #deflateElsewhere(number: number, start: number, cause: unknown): Promise<void> {
    this.#pace.check();
    for (const copy of this.#objects.view.copiesNow(number)) {
      try {
        await this.#deflateFrom(copy);
        return;
      } catch (error) {
        // What has begun to leave cannot be taken back.
        if (this.#writer.offset !== start) throw error;
      }
    }
    throw cause;
  }

  async #deflateFrom(number: number): Promise<void> {
    if (this.#objects.span(number) < Math.min(STREAM_FROM, this.#options.largest + 1)) {
      await this.#putDeflated(number, this.#objects.read(number));
      return;
    }
    const { type, size } = this.#objects.header(number);
    await this.#writer.write(this.#head.subarray(0, writeTypeAndSize(this.#head, 0, type, size)));
    const deflate = zlib.createDeflate({ level: this.#options.level, chunkSize: 64 * 1024 });
    pipeline(Readable.from(this.#objects.stream(number)), deflate, () => {}); // a failure reaches the loop
    for await (const piece of deflate as AsyncIterable<Buffer>) {
      this.#pace.check();
      await this.#writer.write(piece);
    }
  }

  async #putDeflated(number: number, object: StoredObject): Promise<void> {
    const { level, kept } = this.#options;
    const stream = deflated.make(object.data, level);
    const headLength = writeTypeAndSize(this.#head, 0, object.type, object.data.length);
    kept?.keep(this.#objects.view.oid(number), object, this.#head.subarray(0, headLength), stream);
    await this.#putWhole(headLength, stream);
  }
}

function wrongCrc(pack: PackFile, rank: number): Error {
  return damaged(pack, rank, new Error('its CRC-32 is wrong'));
}
