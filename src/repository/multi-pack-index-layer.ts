/** One multi-pack-index file, version 1 or 2 (protocol sections 6.5 to 6.7): alone, or a layer of a chain. */
import { repositoryCorrupt } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
import { type Chunk, readChunks } from './chunk-table.ts';
import type { IndexFile } from './index-files.ts';
import type { ObjectFormat } from './object-format.ts';
import { FANOUT_BYTES, OidTable } from './oid-table.ts';
import { hasSoundTrailer } from './trailing-hash.ts';

const HEADER_BYTES = 12;
const REV_HEADER_BYTES = 12;
const KEY_SPACE = 2 ** 32;
const HASH_IDS = { sha1: 1, sha256: 2 };

/** The part of the pseudo-pack order that a pack's objects take. */
export interface PackBits {
  readonly first: number;
  readonly count: number;
}

/** What the layers before this one hold. */
export interface LayerBase {
  readonly objects: number;
  readonly packs: number;
}

/** Positions and packs are counted within the layer; bits are counted over the whole chain, as they are stored. */
export class MultiPackIndexLayer {
  readonly file: IndexFile;
  readonly base: LayerBase;
  readonly count: number;
  /** Names of the packs, without extension. */
  readonly packNames: readonly string[];
  readonly #data: Buffer;
  readonly #view: DataView;
  readonly #hash: number;
  readonly #ids: OidTable;
  readonly #offsets: number;
  readonly #wide: Chunk | undefined;
  readonly #packBits: Chunk | undefined;
  #order: DataView | undefined;

  private constructor(file: IndexFile, format: ObjectFormat, base: LayerBase) {
    const { data } = file;
    this.file = file;
    this.base = base;
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#hash = format.bytes;
    const limit = data.length - this.#hash;
    const [version, , chunkCount] = data.subarray(4);
    const chunks = readChunks(data, HEADER_BYTES, chunkCount, limit, repositoryCorrupt);
    const need = (id: string, size?: number): Chunk => {
      const chunk = chunks.get(id);
      if (!chunk || (size !== undefined && chunk.end - chunk.start !== size))
        throw repositoryCorrupt(`${id} is wrong`);
      return chunk;
    };
    const fanout = need('OIDF', FANOUT_BYTES).start;
    const ids = need('OIDL').start;
    this.#ids = new OidTable(data, { fanout, ids, stride: this.#hash, hash: this.#hash }, repositoryCorrupt);
    this.count = this.#ids.count;
    need('OIDL', this.count * this.#hash);
    this.#offsets = need('OOFF', this.count * 8).start;
    this.#wide = chunks.get('LOFF');
    const packs = data.readUInt32BE(8);
    const { start, end } = need('PNAM');
    const files = data.toString('latin1', start, end).split('\0').slice(0, -1).slice(0, packs);
    const sorted = files.every((each, i) => i === 0 || files[i - 1] < each);
    if (files.length !== packs || (version === 1 && !sorted)) throw repositoryCorrupt('PNAM is wrong');
    this.packNames = files.map((each) => each.replace(/\.idx$/, ''));
    if (chunks.has('BTMP')) this.#packBits = need('BTMP', packs * 8);
    const order = chunks.has('RIDX') ? need('RIDX', this.count * 4) : undefined;
    if (order) this.#order = new DataView(data.buffer, data.byteOffset + order.start, this.count * 4);
  }

  /**
   * @param openRev opens the `.rev` file of the checksum (hex), where older git versions kept the order of the bits
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`
   */
  static *read(
    file: IndexFile,
    format: ObjectFormat,
    base: LayerBase,
    openRev: (checksum: string) => Stretches<IndexFile | undefined>,
  ): Stretches<MultiPackIndexLayer> {
    checkHeader(file.data, format);
    if (!(yield* hasSoundTrailer(file, format))) throw repositoryCorrupt('its checksum is wrong');
    const layer = new MultiPackIndexLayer(file, format, base);
    layer.#order ??= yield* layer.#readRev(yield* openRev(layer.checksum.toString('hex')), format);
    return layer;
  }

  /** What this layer and those before it hold: the base of the next. */
  get end(): LayerBase {
    const { objects, packs } = this.base;
    return { objects: objects + this.count, packs: packs + this.packNames.length };
  }

  /** The hash that ends the file, and names its bitmap. */
  get checksum(): Buffer {
    return this.#data.subarray(this.#data.length - this.#hash);
  }

  /** The position of the object whose id stands in `bytes` at `at`, or -1. */
  find(bytes: Uint8Array, at: number): number {
    return this.#ids.find(bytes, at);
  }

  /** Whether ids ascend, as {@link find} needs. */
  sorted(): Stretches<boolean> {
    return this.#ids.sorted();
  }

  /** The id of an object stands in the file's data from here on. */
  oidAt(position: number): number {
    return this.#ids.at(position);
  }

  packOf(position: number): number {
    return this.#view.getUint32(this.#offsets + position * 8);
  }

  /**
   * Where the entry of the object's chosen copy starts in its pack.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`
   */
  offsetOf(position: number): number {
    const value = this.#view.getUint32(this.#offsets + position * 8 + 4);
    if (!this.#wide || value < 0x80000000) return value;
    const at = this.#wide.start + (value - 0x80000000) * 8;
    if (at + 8 > this.#wide.end) {
      throw repositoryCorrupt('a multi-pack-index names a 64-bit offset that it does not hold');
    }
    return this.#view.getUint32(at) * KEY_SPACE + this.#view.getUint32(at + 4);
  }

  /** Whether it is known which bit stands for which object. */
  get ordered(): boolean {
    return this.#order !== undefined;
  }

  /** The position of the object that a bit stands for; bits start at `base.objects`. */
  positionOfBit(bit: number): number {
    return this.#order!.getUint32((bit - this.base.objects) * 4) - this.base.objects;
  }

  /** The pack whose copies are chosen before others, and which has the first bits; the first one where that is not known. */
  get preferredPack(): number {
    if (!this.#order || this.count === 0) return 0;
    const position = this.positionOfBit(this.base.objects);
    return position >= 0 && position < this.count ? this.packOf(position) : 0;
  }

  /** The bits of a pack's objects; undefined where the file does not say. */
  packBits(pack: number): PackBits | undefined {
    if (!this.#packBits) return undefined;
    const at = this.#packBits.start + pack * 8;
    return { first: this.#view.getUint32(at), count: this.#view.getUint32(at + 4) };
  }

  /** As the `.rev` of a pack (section 6.3), but of positions in this file, whose checksum it names. */
  *#readRev(rev: IndexFile | undefined, format: ObjectFormat): Stretches<DataView | undefined> {
    const bytes = this.count * 4;
    if (rev?.data.length !== REV_HEADER_BYTES + bytes + 2 * this.#hash) return undefined;
    if (rev.data.toString('latin1', 0, 4) !== 'RIDX' || rev.data.readUInt32BE(4) !== 1) return undefined;
    const checksum = rev.data.subarray(REV_HEADER_BYTES + bytes, REV_HEADER_BYTES + bytes + this.#hash);
    if (!checksum.equals(this.checksum) || !(yield* hasSoundTrailer(rev, format))) return undefined;
    return new DataView(rev.data.buffer, rev.data.byteOffset + REV_HEADER_BYTES, bytes);
  }
}

function checkHeader(data: Buffer, format: ObjectFormat): void {
  if (data.length < HEADER_BYTES + format.bytes) throw repositoryCorrupt('it is too short');
  if (data.toString('latin1', 0, 4) !== 'MIDX') throw repositoryCorrupt('its signature is another');
  const [version, hashId] = data.subarray(4);
  if (version !== 1 && version !== 2) throw repositoryCorrupt(`version ${version} is not known`);
  if (hashId !== HASH_IDS[format.name]) throw repositoryCorrupt('it is of another object format');
}
