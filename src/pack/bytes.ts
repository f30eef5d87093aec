/** Stage three of a pack: header, entries one at a time, trailing hash (`bytes`). */
import { pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import { OFS_DELTA, REF_DELTA } from '../repository/object-format.ts';
import { damaged, type ObjectReader } from '../repository/object-reader.ts';
import type { PackedAt } from '../repository/object-view.ts';
import type { EntryHeader } from '../repository/pack-file.ts';
import type { PlannedEntry } from './entries.ts';
import { writeDistance, writeTypeAndSize } from './entry-header.ts';
import type { Pace } from './pace.ts';
import type { PackWriter } from './pack-writer.ts';

/** Longer content is inflated and deflated as a stream, slice by slice. */
export const STREAM_FROM = 1024 * 1024;
/** An entry header with the longest base id. */
const LONGEST_HEADER = 48;

export interface BytesOptions {
  /** Whether a base in the pack may be named by its distance. */
  readonly ofsDelta: boolean;
  /** zlib level of what is deflated anew; -1 is zlib's own. */
  readonly level: number;
}

/** What became of the entries, in objects and in bytes of the pack. */
export interface BytesStatistics {
  /** Entries copied as they lie. */
  reused: number;
  /** Entries deflated anew. */
  deflated: number;
  /** Deltas in the pack; all of them are reused. */
  deltas: number;
  reusedBytes: number;
  deflatedBytes: number;
}

export class EntryWriter {
  readonly statistics: BytesStatistics = {
    reused: 0,
    deflated: 0,
    deltas: 0,
    reusedBytes: 0,
    deflatedBytes: 0,
  };
  readonly #objects: ObjectReader;
  readonly #numbers: Uint32Array;
  readonly #writer: PackWriter;
  readonly #options: BytesOptions;
  readonly #pace: Pace;
  /** Where each object's entry starts in this pack. */
  readonly #offsets: Float64Array;
  readonly #head = Buffer.alloc(LONGEST_HEADER);

  /** @param numbers the objects of the pack, as counted */
  constructor(
    objects: ObjectReader,
    numbers: Uint32Array,
    writer: PackWriter,
    options: BytesOptions,
    pace: Pace,
  ) {
    this.#objects = objects;
    this.#numbers = numbers;
    this.#writer = writer;
    this.#options = options;
    this.#pace = pace;
    this.#offsets = new Float64Array(numbers.length);
  }

  /** @throws PackhorseError `PACKHORSE_OBJECT_MISSING`, `PACKHORSE_REPOSITORY_CORRUPT`, `PACKHORSE_CANCELLED` */
  async write(entry: PlannedEntry): Promise<void> {
    const start = this.#writer.offset;
    this.#offsets[entry.index] = start;
    if (entry.kind === 'deflated') {
      await this.#deflate(this.#numbers[entry.index]);
      this.statistics.deflated++;
      this.statistics.deflatedBytes += this.#writer.offset - start;
      return;
    }
    if (entry.kind !== 'stored') this.statistics.deltas++;
    await this.#copy(entry.at, entry.header, this.#header(entry, start));
    this.statistics.reused++;
    this.statistics.reusedBytes += this.#writer.offset - start;
  }

  /** The header of a reused entry in `#head`, and its length. */
  #header(entry: Exclude<PlannedEntry, { kind: 'deflated' }>, start: number): number {
    const head = this.#head;
    const { size, type } = entry.header;
    if (entry.kind === 'stored') return writeTypeAndSize(head, 0, type, size);
    if (entry.kind === 'delta' && this.#options.ofsDelta) {
      return writeDistance(
        head,
        writeTypeAndSize(head, 0, OFS_DELTA, size),
        start - this.#offsets[entry.base],
      );
    }
    const oid = entry.kind === 'thin' ? entry.baseOid : this.#objects.view.oid(this.#numbers[entry.base]);
    const at = writeTypeAndSize(head, 0, REF_DELTA, size);
    head.set(oid, at);
    return at + oid.length;
  }

  /** A new header, then the stored zlib stream; what lies in the pack must have the CRC-32 that the index holds. */
  async #copy({ pack, rank }: PackedAt, header: EntryHeader, headLength: number): Promise<void> {
    const writer = this.#writer;
    const stored = pack.index.offset(rank);
    let crc = zlib.crc32(pack.bytes(stored, header.data - stored));
    const end = pack.end(rank);
    if (writer.room >= headLength) this.#putHead(headLength);
    else await writer.write(this.#head.subarray(0, headLength));
    for (let from = header.data; from < end; ) {
      if (writer.room === 0) await writer.next();
      const n = Math.min(writer.room, end - from);
      const { at, bytes } = writer;
      pack.copy(from, n, bytes, at);
      crc = zlib.crc32(bytes.subarray(at, at + n), crc);
      writer.advance(n);
      from += n;
    }
    const expected = pack.index.crc(rank);
    if (expected !== undefined && expected !== crc)
      throw damaged(pack, rank, new Error('its CRC-32 is wrong'));
  }

  #putHead(length: number): void {
    const { at, bytes } = this.#writer;
    for (let i = 0; i < length; i++) bytes[at + i] = this.#head[i];
    this.#writer.advance(length);
  }

  async #deflate(number: number): Promise<void> {
    const { type, size } = this.#objects.header(number);
    await this.#writer.write(this.#head.subarray(0, writeTypeAndSize(this.#head, 0, type, size)));
    const { level } = this.#options;
    if (this.#objects.span(number) < STREAM_FROM) {
      await this.#writer.write(zlib.deflateSync(this.#objects.read(number).data, { level }));
      return;
    }
    const deflate = zlib.createDeflate({ level, chunkSize: 64 * 1024 });
    pipeline(Readable.from(this.#objects.stream(number)), deflate, () => {}); // a failure reaches the loop
    for await (const piece of deflate as AsyncIterable<Buffer>) {
      this.#pace.check();
      await this.#writer.write(piece);
    }
  }
}
