/** Reading a whole pack that is in memory: for programs and tests, which have no index of it. */
import crypto from 'node:crypto';
import zlib from 'node:zlib';
import { repositoryCorrupt } from '../errors.ts';
import { applyDelta, checkDeltaHeader } from '../repository/apply-delta.ts';
import {
  type HashName,
  OBJECT_FORMATS,
  OFS_DELTA,
  REF_DELTA,
  TYPE_NAMES,
  type TypeName,
} from '../repository/object-format.ts';
import type { PackObject } from './pack-stream.ts';

/** An object as it was found in a pack, deltas resolved. */
export interface ReadObject extends PackObject {
  /** Hex id. */
  readonly oid: string;
  /** Where its entry starts in the pack, in bytes. */
  readonly offset: number;
}

interface RawEntry {
  readonly offset: number;
  readonly type: number;
  readonly data: Buffer;
  readonly baseOffset: number | undefined;
  readonly baseOid: string | undefined;
}

/**
 * The objects of a pack in their order.
 * @param pack the whole pack, header to trailing hash
 * @param lookUp gives objects that a thin pack is based on, by hex id
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when the pack is damaged, or a base is not to be had
 */
export function readPack(
  pack: Uint8Array,
  hash: HashName = 'sha1',
  lookUp: (oid: string) => PackObject | undefined = () => undefined,
): ReadObject[] {
  const bytes = Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength);
  const entries = readEntries(bytes, hash);
  return new Resolver(entries, hash, lookUp).all();
}

function readEntries(bytes: Buffer, hash: HashName): RawEntry[] {
  const { bytes: hashLength } = OBJECT_FORMATS[hash];
  const end = bytes.length - hashLength;
  if (end < 12 || bytes.toString('latin1', 0, 4) !== 'PACK') throw repositoryCorrupt('this is not a pack');
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw repositoryCorrupt(`pack version ${version} is not known`);
  if (!crypto.createHash(hash).update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end))) {
    throw repositoryCorrupt('the trailing hash of the pack is wrong');
  }
  const entries: RawEntry[] = [];
  let at = 12;
  for (let left = bytes.readUInt32BE(8); left > 0; left--) {
    const { entry, next } = readEntry(bytes.subarray(0, end), at, hashLength);
    entries.push(entry);
    at = next;
  }
  if (at !== end) throw repositoryCorrupt('the pack has bytes behind its last entry');
  return entries;
}

function readEntry(bytes: Buffer, offset: number, hashLength: number): { entry: RawEntry; next: number } {
  let at = offset;
  const byte = () => {
    if (at >= bytes.length) throw repositoryCorrupt('the pack is cut short');
    return bytes[at++];
  };
  let c = byte();
  const type = (c >> 4) & 7;
  let size = c & 15;
  for (let scale = 16; c & 128; scale *= 128) {
    c = byte();
    size += (c & 127) * scale;
  }
  let baseOffset: number | undefined;
  let baseOid: string | undefined;
  if (type === OFS_DELTA) {
    c = byte();
    let distance = c & 127;
    while (c & 128) {
      c = byte();
      distance = (distance + 1) * 128 + (c & 127);
    }
    baseOffset = offset - distance;
  } else if (type === REF_DELTA) {
    baseOid = bytes.toString('hex', at, at + hashLength);
    at += hashLength;
  } else if (!TYPE_NAMES[type]) {
    throw repositoryCorrupt(`the pack has an entry of type ${type}`);
  }
  let inflated: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    // With `info` the engine tells how much of the input the stream took.
    inflated = zlib.inflateSync(bytes.subarray(at), {
      info: true,
      maxOutputLength: Math.max(1, size),
    }) as unknown as typeof inflated;
  } catch (error) {
    throw repositoryCorrupt(`the entry at ${offset} is damaged`, error);
  }
  if (inflated.buffer.length !== size)
    throw repositoryCorrupt(`the entry at ${offset} has another size than it says`);
  return {
    entry: { offset, type, data: inflated.buffer, baseOffset, baseOid },
    next: at + inflated.engine.bytesWritten,
  };
}

/** Rebuilds deltas, whatever the order in which they and their bases come. */
class Resolver {
  readonly #entries: readonly RawEntry[];
  readonly #hash: HashName;
  readonly #lookUp: (oid: string) => PackObject | undefined;
  readonly #byOffset = new Map<number, number>();
  readonly #byOid = new Map<string, number>();
  readonly #objects: (ReadObject | undefined)[];
  /** Deltas by what their base is named by: its offset, or its id. */
  readonly #waiting = new Map<number | string, number[]>();

  constructor(entries: readonly RawEntry[], hash: HashName, lookUp: (oid: string) => PackObject | undefined) {
    this.#entries = entries;
    this.#hash = hash;
    this.#lookUp = lookUp;
    this.#objects = entries.map(() => undefined);
    entries.forEach(({ offset }, i) => void this.#byOffset.set(offset, i));
  }

  all(): ReadObject[] {
    for (const i of this.#entries.keys()) this.#resolveFrom(i);
    if (this.#objects.includes(undefined)) {
      throw repositoryCorrupt('the pack has a delta whose base is not to be had');
    }
    return this.#objects as ReadObject[];
  }

  /** An entry, and what waits for it. */
  #resolveFrom(first: number): void {
    for (const ready = [first]; ready.length > 0; ) {
      const i = ready.pop()!;
      if (this.#objects[i] || !this.#resolve(this.#entries[i], i)) continue;
      const { offset, oid } = this.#objects[i]!;
      for (const key of [offset, oid]) {
        for (const waiting of this.#waiting.get(key) ?? []) ready.push(waiting);
        this.#waiting.delete(key);
      }
    }
  }

  #resolve(entry: RawEntry, i: number): boolean {
    if (entry.type !== OFS_DELTA && entry.type !== REF_DELTA) {
      this.#set(i, TYPE_NAMES[entry.type] as TypeName, entry.data);
      return true;
    }
    const base = this.#base(entry);
    if (!base) {
      const key = entry.baseOid ?? entry.baseOffset!;
      const others = this.#waiting.get(key);
      if (others) others.push(i);
      else this.#waiting.set(key, [i]);
      return false;
    }
    const data = Buffer.alloc(checkDeltaHeader(entry.data, base.data.length).resultSize);
    applyDelta(base.data, entry.data, data);
    this.#set(i, base.type, data);
    return true;
  }

  #base({ baseOffset, baseOid }: RawEntry): PackObject | undefined {
    const at = baseOid === undefined ? this.#byOffset.get(baseOffset!) : this.#byOid.get(baseOid);
    if (at !== undefined) return this.#objects[at];
    return baseOid === undefined ? undefined : this.#lookUp(baseOid);
  }

  #set(i: number, type: TypeName, data: Buffer): void {
    const oid = crypto.createHash(this.#hash).update(`${type} ${data.length}\0`).update(data).digest('hex');
    this.#byOid.set(oid, i);
    this.#objects[i] = { type, data, oid, offset: this.#entries[i].offset };
  }
}
