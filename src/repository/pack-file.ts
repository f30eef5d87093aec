/** Packs (protocol section 6.1): entry headers and stored bytes, read through windows. */
import fs from 'node:fs';
import path from 'node:path';
import { repositoryCorrupt } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
import { HeldIndex } from './held-index.ts';
import type { IndexFiles } from './index-files.ts';
import { inflateHead } from './inflate.ts';
import { type ObjectFormat, type ObjectType, OFS_DELTA, REF_DELTA } from './object-format.ts';
import type { PackIndex } from './pack-index.ts';
import { readFully, WINDOW_BYTES, type WindowCache, type WindowSource } from './windows.ts';

/** Length of the longest entry header: a 64-bit size, then a SHA-256 id. */
const LONGEST_HEADER = 48;
/** What one slice of a stored stream takes of memory. */
const SLICE_BYTES = 64 * 1024;

/** The header of a pack entry, but for a base id. */
interface EntryHead {
  type: ObjectType | typeof OFS_DELTA | typeof REF_DELTA;
  /** Inflated bytes; for a delta, of the delta. */
  size: number;
  /** Where the zlib stream starts in the pack. */
  data: number;
  /** Of an OFS_DELTA: where its base's entry starts; else 0. */
  baseOffset: number;
}

/** The header of a pack entry. */
export interface EntryHeader {
  readonly type: ObjectType | typeof OFS_DELTA | typeof REF_DELTA;
  /** Inflated bytes; for a delta, of the delta. */
  readonly size: number;
  /** Where the zlib stream starts in the pack. */
  readonly data: number;
  /** Of an OFS_DELTA: where its base's entry starts. */
  readonly baseOffset: number | undefined;
  /** Of a REF_DELTA: the id of its base (a copy). */
  readonly baseOid: Buffer | undefined;
}

export function isDelta(header: EntryHeader): boolean {
  return header.type === OFS_DELTA || header.type === REF_DELTA;
}

let serials = 0;

/**
 * One pack with its index. The file stays open as long as someone holds it ({@link retain}), so a pack that a
 * repack removes can be read to the end.
 */
export class PackFile implements WindowSource {
  readonly serial: number = ++serials;
  readonly fd: number;
  readonly size: number;
  readonly name: string;
  /** Whether someone holds it. */
  readonly life = { isOpen: true };
  /** Its path less `.pack`. */
  readonly stem: string;
  readonly #index: HeldIndex;
  readonly #windows: WindowCache;
  readonly #hash: number;
  readonly #head: EntryHead = { type: OFS_DELTA, size: 0, data: 0, baseOffset: 0 };
  #copyable: Uint32Array | undefined;
  #holders = 1;

  private constructor(
    fd: number,
    size: number,
    stem: string,
    index: HeldIndex,
    hash: number,
    windows: WindowCache,
  ) {
    this.fd = fd;
    this.size = size;
    this.name = path.basename(stem);
    this.stem = stem;
    this.#index = index;
    this.#hash = hash;
    this.#windows = windows;
  }

  /**
   * Opens `<directory>/<name>.pack` and its index.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`, or the system's error (`ENOENT` where a repack was faster)
   */
  static *open(
    directory: string,
    name: string,
    format: ObjectFormat,
    windows: WindowCache,
    indexFiles: IndexFiles,
  ): Stretches<PackFile> {
    const stem = path.join(directory, name);
    const fd = fs.openSync(`${stem}.pack`, 'r');
    let pack: PackFile | undefined;
    try {
      const size = fs.fstatSync(fd).size;
      const held = yield* HeldIndex.open(stem, format, indexFiles);
      const { index } = held;
      if (size < 12 + format.bytes) throw repositoryCorrupt(`${name}.pack is too short`);
      const head = Buffer.alloc(12);
      readFully(fd, head, 0);
      const version = head.readUInt32BE(4);
      if (head.toString('latin1', 0, 4) !== 'PACK' || (version !== 2 && version !== 3)) {
        throw repositoryCorrupt(`${name}.pack is not a pack of version 2`);
      }
      const trailer = Buffer.alloc(format.bytes);
      readFully(fd, trailer, size - format.bytes);
      if (head.readUInt32BE(8) !== index.count || !trailer.equals(index.packHash)) {
        throw repositoryCorrupt(`${name}.pack does not match its index`);
      }
      pack = new PackFile(fd, size, stem, held, format.bytes, windows);
      return pack;
    } finally {
      if (!pack) fs.closeSync(fd);
    }
  }

  get index(): PackIndex {
    return this.#index.index;
  }

  /** Why the pack's `.rev` file is not used. */
  get revProblems(): string[] {
    return this.#index.problems;
  }

  /** Says that a request uses the pack: what it holds of its index is what all workers hold. */
  renew(): void {
    this.#index.renew();
  }

  /** Whether its index is among the files that are held, or takes memory of its own. */
  get indexIsHeld(): boolean {
    return this.#index.isHeld;
  }

  /** {@link release} of a pack that is gone from the disk. */
  releaseGone(): void {
    this.#index.drop();
    this.release();
  }

  retain(): void {
    this.#holders++;
  }

  /** Gives the pack up; the last holder closes it. */
  release(): void {
    this.#holders--;
    if (this.#holders > 0) return;
    this.life.isOpen = false;
    fs.closeSync(this.fd);
  }

  /**
   * By rank, a bit for every entry that was seen to have the CRC-32 it should have and to name its base, if any, by a
   * distance: it may be copied without a look. Each is looked at once for as long as the pack is open.
   */
  get copyable(): Uint32Array {
    this.#copyable ??= new Uint32Array(Math.ceil(this.index.count / 32));
    return this.#copyable;
  }

  /** Where the entry at `rank` ends: within the pack, whatever a damaged index says. */
  end(rank: number): number {
    const end = this.size - this.#hash;
    return rank + 1 < this.index.count ? Math.min(end, this.index.offset(rank + 1)) : end;
  }

  /** @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` */
  header(rank: number): EntryHeader {
    const head = this.head(rank);
    const { type, size, data, baseOffset } = head;
    const isRef = type === REF_DELTA;
    return {
      type,
      size,
      data,
      baseOffset: type === OFS_DELTA ? baseOffset : undefined,
      baseOid: isRef ? Buffer.from(this.bytes(data - this.#hash, this.#hash)) : undefined,
    };
  }

  /**
   * What {@link header} tells, in an object that the next call fills anew: for those who look at every entry of a pack.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`
   */
  head(rank: number): Readonly<EntryHead> {
    const offset = this.index.offset(rank);
    const limit = Math.min(LONGEST_HEADER, this.end(rank) - offset);
    if (limit < 2) throw this.#damaged(offset);
    const bytes = this.bytes(offset, limit);
    let at = 0;
    let byte = bytes[at++];
    const type = (byte >> 4) & 7;
    let size = byte & 15;
    for (let scale = 16; byte & 128; scale *= 128) {
      byte = bytes[at++];
      size += (byte & 127) * scale;
    }
    let baseOffset = 0;
    if (type === OFS_DELTA) {
      byte = bytes[at++];
      let distance = byte & 127;
      while (byte & 128) {
        byte = bytes[at++];
        distance = (distance + 1) * 128 + (byte & 127);
      }
      baseOffset = offset - distance;
      if (distance === 0 || baseOffset < 12) throw this.#damaged(offset);
    } else if (type === REF_DELTA) {
      at += this.#hash;
    } else if (type === 0 || type === 5) {
      throw this.#damaged(offset);
    }
    if (!(at <= limit) || !Number.isSafeInteger(size)) throw this.#damaged(offset);
    const head = this.#head;
    head.type = type as EntryHead['type'];
    head.size = size;
    head.data = offset + at;
    head.baseOffset = baseOffset;
    return head;
  }

  /** The first inflated bytes of an entry: enough for a delta's two sizes. */
  inflateHead(rank: number, header: EntryHeader, limit: number): Buffer {
    const stored = Math.min(this.end(rank) - header.data, 256 + limit * 2);
    return inflateHead(this.bytes(header.data, stored), Math.min(limit, header.size));
  }

  /**
   * Stored bytes, in one piece, valid until the next read of any pack of this thread.
   * @param length bytes; what crosses a window is copied together, so keep it far below the size of a big blob
   */
  bytes(offset: number, length: number): Buffer {
    const index = Math.floor(offset / WINDOW_BYTES);
    const inside = offset - index * WINDOW_BYTES;
    if (inside + length <= WINDOW_BYTES) {
      return this.#windows.get(this, index).subarray(inside, inside + length);
    }
    const whole = Buffer.allocUnsafeSlow(length);
    readFully(this.fd, whole, offset);
    return whole;
  }

  /** Stored bytes from `from` to `to`, slice by slice, each in memory of its own. */
  *slices(from: number, to: number): Generator<Buffer> {
    for (let at = from; at < to; at += SLICE_BYTES) {
      const slice = Buffer.allocUnsafeSlow(Math.min(SLICE_BYTES, to - at));
      readFully(this.fd, slice, at);
      yield slice;
    }
  }

  /** Copies stored bytes to `into` at `at`; long runs go past the windows. */
  copy(offset: number, length: number, into: Uint8Array, at: number): void {
    if (length >= WINDOW_BYTES / 8) {
      readFully(this.fd, into.subarray(at, at + length), offset);
      return;
    }
    into.set(this.bytes(offset, length), at);
  }

  #damaged(offset: number) {
    return repositoryCorrupt(`${this.name}.pack has a damaged entry at ${offset}`);
  }
}
