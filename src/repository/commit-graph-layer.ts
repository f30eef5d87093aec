/** One commit-graph file (protocol section 6.10): all commits of a graph, or a layer of a chain of such files. */
import { repositoryCorrupt } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
import { type Chunk, readChunks } from './chunk-table.ts';
import { END_OF_DATES } from './commit-graph.ts';
import type { IndexFile } from './index-files.ts';
import type { ObjectFormat } from './object-format.ts';
import { hasSoundTrailer } from './trailing-hash.ts';

const HEADER = 8;
const KEY_SPACE = 2 ** 32;
const TOP_BIT = 0x80000000;
/** Stands for a parent that a commit does not have; positions stay below. */
const NO_PARENT = 0x70000000;

/** Commits that are looked at in one stretch: some 0.5 ms. */
const PACE = 2 ** 12;

/** What may be wrong with the content: its place in this list is kept with the file. */
const FAULTS = [
  '',
  'its hash is wrong',
  'its fanout table falls',
  'its ids are not in order',
  'it names a parent that it does not hold',
];

/** Commits have positions: the order of their ids, counted on from those of the layers below. */
export class CommitGraphLayer {
  readonly count: number;
  /** The position of the first commit. */
  readonly base: number;
  /** The whole file: ids and trees are read from it where they stand. */
  readonly data: Buffer;
  readonly #file: IndexFile;
  readonly #view: DataView;
  readonly #format: ObjectFormat;
  readonly #hash: number;
  readonly #stride: number;
  readonly #chunks: ReadonlyMap<string, Chunk>;
  readonly #fanout: number;
  readonly #ids: number;
  readonly #commits: number;
  readonly #edges: Chunk;
  readonly #generations: Chunk;
  readonly #wideGenerations: Chunk;
  #hasGenerations = false;

  private constructor(file: IndexFile, format: ObjectFormat, below: readonly CommitGraphLayer[]) {
    this.#file = file;
    this.data = file.data;
    this.#view = new DataView(this.data.buffer, this.data.byteOffset, this.data.byteLength);
    this.#format = format;
    this.#hash = format.bytes;
    this.#stride = this.#hash + 16;
    this.#chunks = this.#readHeader(below.length);
    this.#fanout = this.#chunk('OIDF', 1024).start;
    this.count = this.#view.getUint32(this.#fanout + 255 * 4);
    this.base = below.reduce((sum, layer) => sum + layer.count, 0);
    if (this.base + this.count > NO_PARENT) throw this.#fail('it holds too many commits');
    this.#ids = this.#chunk('OIDL', this.count * this.#hash).start;
    this.#commits = this.#chunk('CDAT', this.count * this.#stride).start;
    this.#edges = this.#optional('EDGE');
    this.#generations = this.#optional('GDA2');
    this.#wideGenerations = this.#optional('GDO2');
    if (below.length > 0) this.#checkBases(below);
  }

  /**
   * @param below the layers that this one stands on, the first one first
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when it is no sound commit-graph on these layers
   */
  static *read(
    file: IndexFile,
    format: ObjectFormat,
    below: readonly CommitGraphLayer[],
  ): Stretches<CommitGraphLayer> {
    const layer = new CommitGraphLayer(file, format, below);
    const { checked } = yield* file.derive('structure', function* () {
      return { checked: yield* layer.#check(below) };
    });
    if (checked[0] !== 0) throw layer.#fail(FAULTS[checked[0]]);
    layer.#hasGenerations = checked[1] === 1;
    return layer;
  }

  /** Whether every commit, in the layers below too, has a generation number greater than those of its parents. */
  get hasGenerations(): boolean {
    return this.#hasGenerations;
  }

  /** The hash that ends the file. */
  get trailer(): Buffer {
    return this.data.subarray(this.data.length - this.#hash);
  }

  /** The position of the commit whose id stands in `bytes` at `at`, or -1. */
  find(bytes: Uint8Array, at: number): number {
    const first = bytes[at];
    let low = first === 0 ? 0 : this.#view.getUint32(this.#fanout + first * 4 - 4);
    let high = this.#view.getUint32(this.#fanout + first * 4);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#compare(this.#ids + middle * this.#hash, bytes, at);
      if (order === 0) return this.base + middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  /** Where in {@link data} the id of a commit stands. */
  idAt(position: number): number {
    return this.#ids + (position - this.base) * this.#hash;
  }

  /** Where in {@link data} the id of its root tree stands. */
  treeAt(position: number): number {
    return this.#commits + (position - this.base) * this.#stride;
  }

  /** Committer time, seconds since 1970: its last 34 bits. */
  date(position: number): number {
    const at = this.treeAt(position) + this.#hash + 8;
    return (this.#view.getUint32(at) & 3) * KEY_SPACE + this.#view.getUint32(at + 4);
  }

  /** The corrected date; only where the file has generation numbers. */
  generation(position: number): number {
    const offset = this.#view.getUint32(this.#generations.start + (position - this.base) * 4);
    if (offset < TOP_BIT) return this.date(position) + offset;
    const at = this.#wideGenerations.start + (offset - TOP_BIT) * 8;
    return this.date(position) + this.#view.getUint32(at) * KEY_SPACE + this.#view.getUint32(at + 4);
  }

  /** Appends the positions of the parents to `into`. */
  parents(position: number, into: number[]): void {
    const at = this.treeAt(position) + this.#hash;
    const first = this.#view.getUint32(at);
    if (first === NO_PARENT) return;
    into.push(first);
    const second = this.#view.getUint32(at + 4);
    if (second === NO_PARENT) return;
    if (second < TOP_BIT) {
      into.push(second);
      return;
    }
    for (let edge = this.#edges.start + (second - TOP_BIT) * 4; ; edge += 4) {
      const parent = this.#view.getUint32(edge);
      into.push(parent % TOP_BIT);
      if (parent >= TOP_BIT) return;
    }
  }

  #readHeader(layersBelow: number): ReadonlyMap<string, Chunk> {
    const { data } = this;
    const end = data.length - this.#hash;
    if (end < HEADER || data.toString('latin1', 0, 4) !== 'CGPH') throw this.#fail('it begins like none');
    if (data[4] !== 1) throw this.#fail(`version ${data[4]} is not known`);
    if (data[5] !== (this.#format.name === 'sha1' ? 1 : 2)) throw this.#fail('its ids are of another kind');
    if (data[7] !== layersBelow) throw this.#fail(`it stands on ${data[7]} others, not on ${layersBelow}`);
    return readChunks(data, HEADER, data[6], end, (what) => this.#fail(what));
  }

  #chunk(id: string, length: number): Chunk {
    const chunk = this.#optional(id);
    if (lengthOf(chunk) !== length) throw this.#fail(`its chunk ${id} has a wrong length`);
    return chunk;
  }

  #optional(id: string): Chunk {
    return this.#chunks.get(id) ?? { start: 0, end: 0 };
  }

  #checkBases(below: readonly CommitGraphLayer[]): void {
    const bases = this.#chunk('BASE', below.length * this.#hash).start;
    for (const [k, { trailer }] of below.entries()) {
      const at = bases + k * this.#hash;
      if (trailer.compare(this.data, at, at + this.#hash) !== 0) {
        throw this.#fail('it stands on other layers than the chain has');
      }
    }
  }

  /**
   * Looks at everything once, so that nothing read later lies outside.
   * @returns the fault, and whether there are generation numbers to go by
   */
  *#check(below: readonly CommitGraphLayer[]): Stretches<Uint8Array> {
    if (!(yield* hasSoundTrailer(this.#file, this.#format))) return Uint8Array.of(1, 0);
    for (let at = this.#fanout + 4; at < this.#fanout + 1024; at += 4) {
      if (this.#view.getUint32(at) < this.#view.getUint32(at - 4)) return Uint8Array.of(2, 0);
    }
    const last = this.base + this.count;
    let edges = 0;
    for (let position = this.base; position < last; position++) {
      if (position % PACE === PACE - 1) yield;
      const id = this.idAt(position);
      const rises = position === this.base || this.#compare(id - this.#hash, this.data, id) < 0;
      if (!rises || !this.#isInFanout(position)) return Uint8Array.of(3, 0);
      edges += this.#edgesOf(position);
      // Each commit has edges of its own, so that it does not take longer than the file is long to look at them.
      if (!(edges * 4 <= lengthOf(this.#edges))) return Uint8Array.of(4, 0);
    }
    return Uint8Array.of(0, (yield* this.#hasSoundGenerations(below)) ? 1 : 0);
  }

  /** Whether the id of a commit is among those that the fanout table has for its first byte. */
  #isInFanout(position: number): boolean {
    const first = this.data[this.idAt(position)];
    const end = this.#fanout + first * 4;
    const i = position - this.base;
    return i < this.#view.getUint32(end) && (first === 0 || i >= this.#view.getUint32(end - 4));
  }

  /** How many edges a commit has, parents beyond the first where there are more than two; infinite: none are sound. */
  #edgesOf(position: number): number {
    const at = this.treeAt(position) + this.#hash;
    const first = this.#view.getUint32(at);
    const second = this.#view.getUint32(at + 4);
    const end = this.base + this.count;
    if (first === NO_PARENT) return second === NO_PARENT ? 0 : Number.POSITIVE_INFINITY;
    if (first >= end) return Number.POSITIVE_INFINITY;
    if (second < TOP_BIT) return second === NO_PARENT || second < end ? 0 : Number.POSITIVE_INFINITY;
    const start = second - TOP_BIT;
    for (let i = start; (i + 1) * 4 <= lengthOf(this.#edges); i++) {
      const parent = this.#view.getUint32(this.#edges.start + i * 4);
      if (parent % TOP_BIT >= end) break;
      if (parent >= TOP_BIT) return i + 1 - start;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Some versions of git wrote wrong ones, and a date of more than 34 bits is cut off. */
  *#hasSoundGenerations(below: readonly CommitGraphLayer[]): Stretches<boolean> {
    if (lengthOf(this.#generations) !== this.count * 4 || below.some((layer) => !layer.hasGenerations))
      return false;
    const generations = new Float64Array(this.count);
    for (let i = 0; i < this.count; i++) {
      if (i % PACE === PACE - 1) yield;
      const offset = this.#view.getUint32(this.#generations.start + i * 4);
      if (offset >= TOP_BIT && (offset - TOP_BIT + 1) * 8 > lengthOf(this.#wideGenerations)) return false;
      generations[i] = this.generation(this.base + i);
      if (generations[i] >= END_OF_DATES) return false;
    }
    const of = (position: number) =>
      position >= this.base
        ? generations[position - this.base]
        : below.findLast(({ base }) => base <= position)!.generation(position);
    const parents: number[] = [];
    for (let i = 0; i < this.count; i++) {
      if (i % PACE === PACE - 1) yield;
      this.parents(this.base + i, parents);
      while (parents.length > 0) if (of(parents.pop()!) >= generations[i]) return false;
    }
    return true;
  }

  /** Negative when the id at `id` comes before the one that stands in `bytes` at `at`. */
  #compare(id: number, bytes: Uint8Array, at: number): number {
    for (let i = 0; i < this.#hash; i++) {
      const difference = this.data[id + i] - bytes[at + i];
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #fail(what: string): Error {
    return repositoryCorrupt(`${this.#file.path}: ${what}`);
  }
}

function lengthOf({ start, end }: Chunk): number {
  return end - start;
}
