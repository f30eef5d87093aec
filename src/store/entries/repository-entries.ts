/** What is kept of one repository, as one thread sees it: the segments of all threads, and one that it writes. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isMissing, unlessMissing } from '../../repository/missing-file.ts';
import {
  type HashName,
  OBJECT_FORMATS,
  type StoredObject,
  TYPE_NAMES,
} from '../../repository/object-format.ts';
import type { WindowCache } from '../../repository/windows.ts';
import type { Stretches } from '../../stretches.ts';
import { PlaceTable } from './place-table.ts';
import { Segment } from './segment.ts';
import { ALIGNMENT, MOST_CONTENT, recordBytes } from './segment-format.ts';
import { isSegment, LEAST_WEIGHT, REPOSITORY_FILE, segmentName } from './segment-name.ts';
import { SegmentWriter } from './segment-writer.ts';

/** A place is the number of a segment and, in units of eight bytes, where in it: 11 and 21 bits. */
const UNITS = 2 ** 21;
const MOST_SEGMENTS = 2 ** 11 - 1;
/** Files of one repository; a thread that begins another removes the oldest. */
const MOST_FILES = 256;
/** No segment is longer, so that every record of one has a place. */
export const LONGEST_SEGMENT: number = UNITS * ALIGNMENT;

/** Bytes of content. Less is deflated as fast as it is looked up. */
const LEAST_CONTENT = 64;

export interface EntriesOptions {
  /** Where segments lie; made when the first is. */
  readonly directory: string;
  /** Written beside them, to tell people whose they are. */
  readonly repository: string;
  readonly hash: HashName;
  readonly windows: WindowCache;
  /** Bytes after which another segment is begun, at most {@link LONGEST_SEGMENT}. */
  readonly segmentBytes: number;
}

export class RepositoryEntries {
  /** Packs that are being made of it. */
  users = 0;
  readonly #options: EntriesOptions;
  readonly #table = new PlaceTable();
  /** By number; undefined for those that are gone. */
  #segments: (Segment | undefined)[] = [];
  readonly #files = new Set<string>();
  #writer: { readonly to: SegmentWriter; readonly segment: Segment } | undefined;
  /** The directory when it was listed last. */
  #stamp = '';

  constructor(options: EntriesOptions) {
    this.#options = options;
  }

  /** Bytes of memory that its table takes. */
  get memory(): number {
    return this.#table.bytes;
  }

  /** Comes to see what other threads wrote, and what was removed. @throws the system's error */
  *refreshing(): Stretches<void> {
    yield* this.#scanAll();
    const stamp = stampOf(this.#options.directory);
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      if (this.#files.size * 2 < this.#segments.length) yield* this.#renumber();
      for (const name of namesIn(this.#options.directory)) {
        this.#admit(name);
        yield;
      }
    }
  }

  /** The whole entry of an object, checked. Valid until the next call. @throws the system's error */
  find(oid: Uint8Array): Uint8Array | undefined {
    const place = this.#table.get(wordAt(oid, 0), wordAt(oid, 4));
    if (place === 0) return undefined;
    return this.#segments[Math.floor(place / UNITS)]?.read((place % UNITS) * ALIGNMENT, oid);
  }

  /**
   * Keeps an entry, where its object is one that the id names: what a damaged repository holds must not outlive its
   * repair.
   * @returns bytes that files count more for the budget now
   * @throws the system's error
   */
  keep(oid: Uint8Array, object: StoredObject, head: Uint8Array, stream: Uint8Array): number {
    const { length } = object.data;
    const { segmentBytes, hash } = this.#options;
    const bytes = recordBytes(oid.length, head.length + stream.length);
    if (length < LEAST_CONTENT || length > MOST_CONTENT || bytes > segmentBytes / 2) return 0;
    if (this.#table.isFull || Buffer.compare(idOf(object, hash), oid) !== 0) return 0;
    const begins = !this.#writer || this.#writer.to.sizeWith(bytes) > segmentBytes;
    if (begins && this.#segments.length >= MOST_SEGMENTS) return 0;
    const flushed = begins ? this.flush() + LEAST_WEIGHT : 0;
    if (begins) this.#begin();
    return flushed + this.#write((to) => to.add(oid, head, stream));
  }

  /** Writes what waits. Returns, and throws, what {@link keep} does. */
  flush(): number {
    return this.#writer ? this.#write((to) => to.flush()) : 0;
  }

  /** Closes all files; what waits to be written is lost. */
  close(): void {
    this.#writer = undefined;
    for (const segment of this.#segments) segment?.close();
    this.#segments = [];
    this.#files.clear();
    this.#table.clear();
    this.#stamp = '';
  }

  /** Begins a segment of its own. */
  #begin(): void {
    this.#writer = undefined;
    const { directory, repository } = this.#options;
    const file = path.join(directory, segmentName());
    const make = () => {
      fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
      fs.writeFileSync(path.join(directory, REPOSITORY_FILE), `${repository}\n`);
      return new SegmentWriter(file);
    };
    let to: SegmentWriter;
    try {
      to = make();
    } catch (error) {
      if (!isMissing(error)) throw error;
      to = make(); // someone removed the directory meanwhile
    }
    this.#writer = { to, segment: this.#add(file, to.fd) };
    const names = namesIn(directory);
    // Others come to see that they are gone.
    for (const name of names.slice(0, -MOST_FILES)) fs.rmSync(path.join(directory, name), { force: true });
  }

  /** Does what may write, and gives how many bytes it wrote. Nothing comes behind what was written in part. */
  #write(work: (to: SegmentWriter) => void): number {
    const { to, segment } = this.#writer!;
    const before = to.size;
    try {
      work(to);
    } catch (error) {
      this.#writer = undefined;
      throw error;
    }
    if (to.size > before) this.#scan(segment);
    return to.size - before;
  }

  /** Takes in a segment that another thread began. */
  #admit(name: string): void {
    const file = path.join(this.#options.directory, name);
    if (this.#files.has(file) || this.#segments.length >= MOST_SEGMENTS) return;
    const fd = unlessMissing(() => fs.openSync(file, 'r'), -1);
    if (fd >= 0) this.#scan(this.#add(file, fd));
  }

  #add(file: string, fd: number): Segment {
    const { hash, windows } = this.#options;
    const segment = new Segment(file, fd, OBJECT_FORMATS[hash].bytes, windows);
    segment.number = this.#segments.push(segment) - 1;
    this.#files.add(file);
    return segment;
  }

  /** Takes in what was added to a segment, or drops it where its file was removed. */
  #scan(segment: Segment): void {
    const place = segment.number * UNITS;
    const isThere = segment.scan((high, low, at) => {
      if (at < LONGEST_SEGMENT) this.#table.set(high, low, place + at / ALIGNMENT);
    });
    if (isThere) return;
    this.#segments[segment.number] = undefined;
    this.#files.delete(segment.file);
    if (this.#writer?.segment === segment) this.#writer = undefined;
    segment.close();
  }

  /** Other packs of this thread may do the same in the pauses. */
  *#scanAll(): Stretches<void> {
    for (const segment of [...this.#segments]) {
      if (segment && this.#segments[segment.number] === segment) this.#scan(segment);
      yield;
    }
  }

  /** Forgets the places in segments that are gone. */
  *#renumber(): Stretches<void> {
    this.#segments = this.#segments.filter((segment) => segment !== undefined);
    this.#table.clear();
    for (const [number, segment] of this.#segments.entries()) {
      segment!.number = number;
      segment!.rewind();
    }
    yield* this.#scanAll();
  }
}

function idOf({ type, data }: StoredObject, hash: HashName): Buffer {
  return crypto.createHash(hash).update(`${TYPE_NAMES[type]} ${data.length}\0`).update(data).digest();
}

function wordAt(oid: Uint8Array, at: number): number {
  return ((oid[at] << 24) | (oid[at + 1] << 16) | (oid[at + 2] << 8) | oid[at + 3]) >>> 0;
}

/** Changes when segments come or go. */
function stampOf(directory: string): string {
  const stat = fs.statSync(directory, { bigint: true, throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.mtimeNs}` : '';
}

/** Names of segments, the oldest first. */
function namesIn(directory: string): string[] {
  const names = unlessMissing(() => fs.readdirSync(directory), []);
  return names.filter(isSegment).sort();
}
