/**
 * Finding deltas for the objects of a fetch that have none to reuse. The order is git's (see {@link DeltaCandidates}),
 * so that versions of one file and files of one name come side by side, and each is tried on those shortly before it.
 * Where git tries all of its window, this ends with the first delta that is good enough.
 */
import { PackhorseError, repositoryCorrupt } from '../errors.ts';
import { deflateInto } from '../repository/deflate-handle.ts';
import { LARGEST_KEPT } from '../repository/object-arena.ts';
import { BLOB, type StoredObject } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { type DeltaCandidates, SMALLEST_TARGET } from './delta-candidates.ts';
import { DeltaEncoder, LARGEST_DELTIFIED } from './encode-delta.ts';
import type { Pace } from './pace.ts';

export interface DeltaSearchOptions {
  /** How many objects are tried as a base, one more: git's `pack.window`. */
  readonly window: number;
  /** How many deltas may stand on one another: git's `pack.depth`. */
  readonly depth: number;
  /** zlib level of the deltas; -1 is zlib's own. */
  readonly level: number;
  /** Bytes of the largest object that is tried, within a bound of our own: git's `core.bigFileThreshold`. */
  readonly largest?: number | undefined;
  /** Bytes of content held for the window, within a bound of our own: git's `pack.windowMemory`. */
  readonly windowMemory?: number | undefined;
  /** Bytes of deltas kept until they are written, within a bound of our own: git's `pack.deltaCacheSize`. */
  readonly cacheSize?: number | undefined;
}

/** A delta found for an object. */
export interface MadeDelta {
  /** The number of its base: an object that is sent, or one that the client has. */
  readonly base: number;
  /** Bytes of the delta. */
  readonly size: number;
  /** The delta deflated; undefined when it was too large to be kept: {@link remakeDelta} makes it again. */
  readonly stream: Uint8Array | undefined;
}

/** A delta this much smaller than its target is taken at once: the next would hardly be better. */
const GOOD_SHARE = 1 / 50;
/** A delta on another path's object is looked for only where that of the same path is no smaller than this. */
const FAIR_SHARE = 1 / 3;
/** So many objects of other paths are tried at most: of their deltas few are worth it. */
const MOST_OTHERS = 3;
/** Bases of other paths that are larger than so many targets are not tried: indexing them costs more than they bring. */
const MOST_LARGER = 4;
/** Memory for the content of large and of loose objects in the window. */
const WINDOW_BYTES = 8 * 1024 * 1024;
/** Memory for deltas: all of one search, and its pieces. Larger deltas than a piece are made again. */
const KEPT_BYTES = 4 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/**
 * Chooses a base for each target that has a good one. A base is a lender, or a target that comes before in the order
 * and so cannot be made from what is made from it; no stored delta is reused on a target's behalf. So no ring can form.
 * @returns the deltas by the number of their object; the same candidates give the same ones
 * @throws PackhorseError `PACKHORSE_CANCELLED`
 */
export async function searchDeltas(
  objects: ObjectReader,
  candidates: DeltaCandidates,
  options: DeltaSearchOptions,
  pace: Pace,
): Promise<ReadonlyMap<number, MadeDelta>> {
  const search = new DeltaSearch(objects, candidates, options);
  if (candidates.isWorthwhile) {
    for (const place of candidates.sorted()) {
      search.visit(place);
      if (pace.due()) await pace.pause();
    }
  }
  return search.found;
}

/**
 * Makes a delta that was not kept once more, in memory that the next search or call uses again.
 * @throws PackhorseError `PACKHORSE_OBJECT_MISSING`, `PACKHORSE_REPOSITORY_CORRUPT`
 */
export function remakeDelta(objects: ObjectReader, number: number, { base, size }: MadeDelta): Buffer {
  const target = Buffer.from(objects.read(number).data);
  const length = encoder.encode(objects.read(base).data, target, size);
  if (length !== size)
    throw repositoryCorrupt(`object ${objects.view.hex(number)} changed while it was read`);
  return encoder.delta.subarray(0, length);
}

class DeltaSearch {
  readonly found = new Map<number, MadeDelta>();
  readonly #objects: ObjectReader;
  readonly #candidates: DeltaCandidates;
  readonly #options: DeltaSearchOptions;
  readonly #largest: number;
  readonly #store: StreamStore;
  /** Places that may be bases, the best last. */
  readonly #window: number[] = [];
  /** How many made deltas each stands on. */
  readonly #depths: Uint16Array;
  readonly #contents: WindowContents;

  constructor(objects: ObjectReader, candidates: DeltaCandidates, options: DeltaSearchOptions) {
    this.#objects = objects;
    this.#candidates = candidates;
    this.#options = options;
    this.#largest = Math.min(LARGEST_DELTIFIED, options.largest ?? LARGEST_DELTIFIED);
    this.#store = new StreamStore(Math.min(KEPT_BYTES, options.cacheSize ?? KEPT_BYTES));
    this.#contents = new WindowContents(Math.min(WINDOW_BYTES, options.windowMemory ?? WINDOW_BYTES));
    this.#depths = new Uint16Array(candidates.length);
  }

  visit(place: number): void {
    const best = this.#candidates.isBase(place) ? -1 : this.#search(place);
    const { window, depth } = this.#options;
    const isFull = best >= 0 && this.#depths[place] + this.#candidates.above(place) >= depth;
    if (!isFull) this.#window.push(place);
    if (best >= 0) {
      // A base that served is tried first again.
      this.#window.splice(this.#window.indexOf(best), 1);
      this.#window.push(best);
    }
    while (this.#window.length >= window) this.#contents.delete(this.#window.shift()!);
    if (isFull) this.#contents.delete(place);
  }

  /** Makes the best delta for a target; returns the place of its base, or -1. */
  #search(place: number): number {
    const candidates = this.#candidates;
    const size = candidates.size(place);
    const maxDepth = this.#options.depth - candidates.above(place);
    if (size < SMALLEST_TARGET || size > this.#largest || maxDepth <= 0) return -1;
    let target: Buffer | undefined;
    let best = -1;
    let bestSize = 0;
    let others = MOST_OTHERS;
    for (let k = this.#window.length - 1; k >= 0; k--) {
      const base = this.#window[k];
      if (candidates.type(base) !== candidates.type(place)) break;
      const isSamePath = this.#areOfOnePath(place, base);
      if (best >= 0 && bestSize < size * (isSamePath ? GOOD_SHARE : FAIR_SHARE)) break;
      if (candidates.wereTried(place, base)) continue;
      const limit = this.#limit(place, base, maxDepth, best, bestSize);
      if (limit <= 0 || !this.#mayFit(candidates.size(base), size, limit)) continue;
      if (!isSamePath && candidates.size(base) > size * MOST_LARGER) continue;
      if (!isSamePath && others-- === 0) break;
      target ??= this.#readTarget(place);
      const content = target && this.#readBase(base);
      if (!target || !content) continue;
      if (!this.#mayFit(content.length, size, limit)) continue;
      const length = encoder.encode(content, target, limit);
      if (length < 0) {
        // A blob's next versions are no closer; of a directory each has some other entries in common.
        if (best >= 0 && candidates.type(place) === BLOB) break;
        continue;
      }
      best = base;
      bestSize = length;
      this.#depths[place] = this.#depths[base] + 1;
      bestDelta.set(encoder.delta, length);
    }
    if (best >= 0) {
      const stream = this.#store.put(bestDelta.bytes, bestSize, this.#options.level);
      this.found.set(candidates.number(place), { base: candidates.number(best), size: bestSize, stream });
    }
    return best;
  }

  /** Blobs whose paths are not known are strangers to one another. */
  #areOfOnePath(place: number, base: number): boolean {
    const hash = this.#candidates.hash(place);
    return hash === this.#candidates.hash(base) && (hash !== 0 || this.#candidates.type(place) !== BLOB);
  }

  /** The longest delta that is of use: as in git, a deep base must bring more. */
  #limit(place: number, base: number, maxDepth: number, best: number, bestSize: number): number {
    const depth = this.#depths[base];
    const hash = this.#objects.view.format.bytes;
    const [most, from] =
      best < 0
        ? [Math.floor(this.#candidates.size(place) / 2) - hash, 1]
        : [bestSize - 1, this.#depths[place]];
    return Math.floor((most * (maxDepth - depth)) / (maxDepth - from + 1));
  }

  /** In memory of this search's own; undefined when it cannot be read, which writing it will tell. */
  #readTarget(place: number): Buffer | undefined {
    const object = this.#read(place);
    if (!object) return undefined;
    const { length } = object.data;
    targetContent.set(object.data, length);
    if (this.#isCostly(place, length)) this.#contents.add(place, object.data);
    return targetContent.bytes.subarray(0, length);
  }

  #readBase(place: number): Buffer | undefined {
    const kept = this.#contents.get(place);
    if (kept) return kept;
    const object = this.#read(place);
    if (!object) return undefined;
    const { length } = object.data;
    this.#candidates.setSize(place, length);
    if (this.#isCostly(place, length)) this.#contents.add(place, object.data);
    return object.data;
  }

  /** Whether a delta can be short enough, judged by sizes alone; a size of 0 is not known yet. */
  #mayFit(baseSize: number, size: number, limit: number): boolean {
    if (baseSize === 0) return true;
    return size - baseSize < limit && size >= baseSize / 32 && baseSize <= this.#largest;
  }

  /** Whether reading it once more would be as dear as the first time. */
  #isCostly(place: number, length: number): boolean {
    return length > LARGEST_KEPT || this.#objects.view.isLoose(this.#candidates.number(place));
  }

  #read(place: number): StoredObject | undefined {
    try {
      const object = this.#objects.readSmall(this.#candidates.number(place), this.#largest);
      return object?.type === this.#candidates.type(place) ? object : undefined;
    } catch (error) {
      if (error instanceof PackhorseError) return undefined;
      throw error;
    }
  }
}

/** Content of objects in the window: what finds no room is read again each time. */
class WindowContents {
  readonly #contents = new Map<number, Buffer>();
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get(place: number): Buffer | undefined {
    return this.#contents.get(place);
  }

  add(place: number, data: Buffer): void {
    if (data.length > this.#left) return;
    this.#contents.set(place, Buffer.from(data));
    this.#left -= data.length;
  }

  delete(place: number): void {
    this.#left += this.#contents.get(place)?.length ?? 0;
    this.#contents.delete(place);
  }
}

/** Memory that is used again, by all searches of a thread in turn. */
class Scratch {
  bytes = Buffer.allocUnsafeSlow(64 * 1024);

  set(data: Buffer, length: number): void {
    if (this.bytes.length < length) this.bytes = Buffer.allocUnsafeSlow(Math.ceil(length / 65536) * 65536);
    data.copy(this.bytes, 0, 0, length);
  }
}

// No search keeps anything in them from one visit to the next, between which others may run.
const encoder = new DeltaEncoder();
/** The target's content: what is read is valid for a short while only. */
const targetContent = new Scratch();
const bestDelta = new Scratch();

/** Deflated deltas side by side. */
class StreamStore {
  #piece = Buffer.alloc(0);
  #used = 0;
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** The first `length` bytes of a delta deflated; undefined when there is no room for that. */
  put(delta: Buffer, length: number, level: number): Uint8Array | undefined {
    if (length > PIECE_BYTES * 2) return undefined;
    for (;;) {
      const n = deflateInto(delta, length, this.#piece, this.#used, level);
      if (n >= 0) {
        this.#used += n;
        return this.#piece.subarray(this.#used - n, this.#used);
      }
      if (this.#used === 0 && this.#piece.length > 0) return undefined;
      if (this.#left < PIECE_BYTES) return undefined;
      this.#left -= PIECE_BYTES;
      this.#piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
      this.#used = 0;
    }
  }
}
