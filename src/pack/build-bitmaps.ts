/** Makes bitmaps for a repository that has none: everything is walked once, and remembered for the commits selected. */
import { repositoryCorrupt } from '../errors.ts';
import { type BitmapRow, bitmapWords, encodeBitmapFile } from '../repository/bitmap-file.ts';
import { encodeEwah, xorEwah } from '../repository/ewah.ts';
import { NumberSet } from '../repository/number-set.ts';
import { COMMIT, OFS_DELTA, REF_DELTA } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import type { PackFile } from '../repository/pack-file.ts';
import type { Stretches } from '../stretches.ts';
import { CommitQueue } from './commit-queue.ts';
import { CommitSource, type WalkedCommit } from './commit-source.ts';
import { BitmapCount, type KnownReach } from './count-bitmaps.ts';
import type { Pace } from './pace.ts';
import { selectCommits } from './select-commits.ts';

/** Every so many rows one is stored by itself: reading a row takes reading those it is XORed with. */
const CHAIN = 16;
/** Sets that are kept whole, a bit an object each. */
const MOST_WITHOUT = 64;

/**
 * A bitmap file whose bits and positions are the numbers of the view's packed objects as they are now; undefined when no
 * commit can have a bitmap.
 * @param tips numbers of what refs point at
 * @param checksum what the file is to say that it belongs to
 * @throws PackhorseError `PACKHORSE_OBJECT_MISSING`, `PACKHORSE_REPOSITORY_CORRUPT`, `PACKHORSE_CANCELLED`
 */
export async function buildBitmaps(
  objects: ObjectReader,
  tips: readonly number[],
  checksum: Uint8Array,
  pace: Pace,
): Promise<Buffer | undefined> {
  const { view } = objects;
  const bits = view.packedEnd;
  const source = new CommitSource(objects);
  const commits = await listCommits(source, tips, pace);
  const isTip = new Set(tips);
  const rows = new Rows(bits);
  const none = new NumberSet(view);
  const counter = new BitmapCount(source, rows, pace, () => {});
  for (const commit of selectCommits(commits, (number) => isTip.has(number))) {
    const set = new NumberSet(view);
    await counter.fill(set, { commits: [commit], trees: [] }, none);
    rows.add(commit, set);
    if (pace.due()) await pace.pause();
  }
  // With packs that came meanwhile there are objects that have no bits.
  if (rows.list.length === 0 || view.packedEnd !== bits) return undefined;
  const types = await typesOf(objects, pace);
  return encodeBitmapFile(view.format, checksum, types, rows.list);
}

/** All commits that the tips reach, youngest first. */
async function listCommits(source: CommitSource, tips: readonly number[], pace: Pace): Promise<number[]> {
  const { objects } = source;
  const seen = new NumberSet(objects.view);
  const queue = new CommitQueue();
  const waiting = new Map<number, WalkedCommit>();
  const enter = (number: number) => {
    if (number < 0 || seen.has(number)) return;
    seen.add(number);
    const commit = source.read(number);
    waiting.set(number, commit);
    queue.push(number, commit.date);
  };
  for (const tip of tips) {
    const { target } = source.peel(tip);
    if (objects.header(target).type === COMMIT) enter(target);
    if (pace.due()) await pace.pause();
  }
  const commits: number[] = [];
  while (queue.size > 0) {
    const number = queue.pop();
    commits.push(number);
    for (const parent of waiting.get(number)!.parents) enter(parent);
    waiting.delete(number);
    if (pace.due()) await pace.pause();
  }
  return commits;
}

/** The rows made so far, compressed; what is walked next begins from them. */
class Rows implements KnownReach {
  readonly list: BitmapRow[] = [];
  readonly #bits: number;
  readonly #rowOf = new Map<number, number>();
  /** What commits reach that cannot have a row: it is not to be walked again for each of their descendants. */
  readonly #without = new Map<number, NumberSet>();
  #last: Uint32Array;

  constructor(bits: number) {
    this.#bits = bits;
    this.#last = bitmapWords(bits);
  }

  /** A row must hold all that its commit reaches, and has no bits for loose objects and packs that came since. */
  add(commit: number, set: NumberSet): void {
    if (set.hasFrom(this.#bits)) {
      if (this.#without.size === MOST_WITHOUT) this.#without.delete(this.#without.keys().next().value!);
      this.#without.set(commit, set);
    } else this.#addRow(commit, set.packedWords(0, this.#bits / 32));
  }

  #addRow(commit: number, words: Uint32Array): void {
    const row = this.list.length;
    const back = row % CHAIN === 0 ? 0 : 1;
    const stored = back === 0 ? words : words.map((word, i) => word ^ this.#last[i]);
    this.list.push({ position: commit, ewah: encodeEwah(stored, this.#bits), back });
    this.#rowOf.set(commit, row);
    this.#last = words;
  }

  has(commit: number): boolean {
    return this.#rowOf.has(commit) || this.#without.has(commit);
  }

  *addReachable(commit: number, set: NumberSet): Stretches<void> {
    const without = this.#without.get(commit);
    if (without) set.addAll(without);
    const row = this.#rowOf.get(commit);
    if (row === undefined) return;
    const words = bitmapWords(this.#bits);
    for (let at = row; ; at--) {
      yield;
      const { ewah, back } = this.list[at];
      xorEwah(new DataView(ewah.buffer, ewah.byteOffset, ewah.length), 0, ewah.length, words);
      if (back === 0) break;
    }
    const to = set.packedWords(0, words.length);
    for (let i = 0; i < words.length; i++) to[i] |= words[i];
  }
}

/** Which packed objects are of which type, compressed: commits, trees, blobs, tags. */
async function typesOf(objects: ObjectReader, pace: Pace): Promise<Buffer[]> {
  const { view } = objects;
  const bits = view.packedEnd;
  const words = [0, 1, 2, 3].map(() => bitmapWords(bits));
  for (const { pack, base } of view.packs()) {
    const types = new Uint8Array(pack.index.count);
    for (let rank = 0; rank < types.length; rank++) {
      const type = typeOf(objects, pack, base, rank, types);
      types[rank] = type;
      const number = base + rank;
      words[type - 1][number >>> 5] |= 1 << (number & 31);
      if (pace.due()) await pace.pause();
    }
  }
  return words.map((each) => encodeEwah(each, bits));
}

/** @param types those of the entries before */
function typeOf(
  objects: ObjectReader,
  pack: PackFile,
  base: number,
  rank: number,
  types: Uint8Array,
): number {
  const { type, baseOffset } = pack.head(rank);
  if (type === REF_DELTA) return objects.header(base + rank).type;
  if (type !== OFS_DELTA) return type;
  const of = pack.index.rankAt(baseOffset);
  if (of < 0) throw repositoryCorrupt(`${pack.name}.pack has a delta without a base`);
  return types[of];
}
