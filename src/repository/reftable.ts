/**
 * One table of a reftable stack (protocol section 6.13): a file that never changes. Its refs are all looked at once, as
 * its blocks carry no checksum: a table that is damaged anywhere is an error for whoever asks for any of its refs.
 */
import path from 'node:path';
import zlib from 'node:zlib';
import { repositoryCorrupt } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
import type { IndexFile } from './index-files.ts';
import type { ObjectFormat } from './object-format.ts';
import { type Block, type Blocks, INDEX_BLOCK, LOG_BLOCK, REF_BLOCK, readBlock } from './reftable-block.ts';
import { compareWholeKey, ReftableRecords } from './reftable-records.ts';

const MAGIC = 'REFT';
/** Magic, version, block size, first and last update; in version 2 the name of the hash. */
const HEADERS = [0, 24, 28];
const HASH_NAMES: Readonly<Record<string, string>> = { sha1: 'sha1', s256: 'sha256' };
/** The positions of five parts, then a CRC-32. */
const PARTS = 40;
const CRC = 4;
const NONE = new Float64Array(0);
/** Records of a block, and blocks, that are looked at in one stretch: some 0.2 ms. */
const PACE = 2048;
const BLOCK_PACE = 16;

export class Reftable implements Blocks {
  readonly data: Buffer;
  readonly header: number;
  /** Where the blocks with refs and their index end. */
  readonly limit: number;
  readonly hash: number;
  readonly #path: string;
  /** That of an aligned table; 0: blocks follow each other directly. */
  readonly #blockSize: number;
  /** Where the index begins whose blocks end with the last name; 0: there is none. */
  readonly #index: number;
  readonly #empty: boolean;
  /** Where each block of refs begins. */
  #blocks: Float64Array = NONE;

  private constructor(file: IndexFile, format: ObjectFormat) {
    this.data = file.data;
    this.#path = file.path;
    this.hash = format.bytes;
    this.header = this.#checkHeader(format);
    this.#blockSize = this.data.readUIntBE(5, 3);
    const footer = this.data.length - this.header - PARTS - CRC;
    const [index, objects, logs] = this.#readFooter(footer);
    this.#index = index;
    this.limit = objects || logs || footer;
    if (index > footer || this.limit > footer) throw this.fail('its parts lie outside');
    this.#empty = footer === this.header || (index + objects === 0 && this.#beginsWithLogs(logs));
  }

  /** @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` */
  static *read(file: IndexFile, format: ObjectFormat): Stretches<Reftable> {
    const table = new Reftable(file, format);
    const { blocks } = yield* file.derive('blocks', function* () {
      return { blocks: table.#empty ? NONE : yield* table.#checkRefs() };
    });
    table.#blocks = blocks;
    return table;
  }

  readonly fail = (what: string): Error =>
    repositoryCorrupt(`reftable/${path.basename(this.#path)}: ${what}`);

  /** Blocks of refs. */
  get blockCount(): number {
    return this.#blocks.length;
  }

  block(i: number): Block {
    return readBlock(this, this.#blocks[i]);
  }

  /** The block where a name stands, or would stand between two others or at the end. */
  find(name: Uint8Array): number {
    let low = 0;
    let high = this.#blocks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (compareWholeKey(this.data, this.block(middle).records, name) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }

  #checkHeader(format: ObjectFormat): number {
    const { data } = this;
    const header = data.toString('latin1', 0, 4) === MAGIC ? (HEADERS[data[4]] ?? 0) : 0;
    if (header === 0) throw this.fail('it begins like no reftable');
    if (data.length < 2 * header + PARTS + CRC) throw this.fail('it is cut short');
    const hash = header === HEADERS[1] ? 'sha1' : HASH_NAMES[data.toString('latin1', 24, 28)];
    if (hash !== format.name) throw this.fail('its ids are of another kind');
    return header;
  }

  /** Where the index of refs, the objects and the logs begin; 0 for what is not there. */
  #readFooter(at: number): [index: number, objects: number, logs: number] {
    const { data, header } = this;
    const end = data.length - CRC;
    if (data.compare(data, 0, header, at, at + header) !== 0) throw this.fail('it ends like no reftable');
    if (zlib.crc32(data.subarray(at, end)) !== data.readUInt32BE(end)) {
      throw this.fail('the CRC-32 at its end is wrong');
    }
    const part = (i: number) => data.readBigUInt64BE(at + header + i * 8);
    return [Number(part(0)), Number(part(1) >> 5n), Number(part(3))];
  }

  /** Where logs alone are, they lie where refs would. What is compressed never begins with a zero, as records do. */
  #beginsWithLogs(logs: number): boolean {
    const { data, header } = this;
    return data[header] === LOG_BLOCK && data[header + 4] !== 0 && (logs === 0 || logs === header);
  }

  /** Looks at every record of a ref and of the index; returns where blocks of refs begin. */
  *#checkRefs(): Stretches<Float64Array> {
    const blocks: number[] = [];
    const records = new ReftableRecords(this);
    let at = 0;
    for (let block: Block; at < this.limit; at = this.#behind(block)) {
      block = readBlock(this, at);
      if (block.type !== REF_BLOCK) break;
      blocks.push(at);
      records.open(block);
      yield* readAll(records, blocks.length);
    }
    if (blocks.length === 0 || !(yield* this.#endsWith(records, at)))
      throw this.fail('its refs end too early');
    return Float64Array.from(blocks);
  }

  /** Whether nothing but the index follows from `at` on, and that knows of no refs behind the last one. */
  *#endsWith(last: ReftableRecords, at: number): Stretches<boolean> {
    if (this.#index === 0) return at === this.limit;
    const records = new ReftableRecords(this);
    let seen = false;
    let position = at;
    for (let block: Block; position < this.limit; position = this.#behind(block)) {
      block = readBlock(this, position);
      if (block.type !== INDEX_BLOCK) return false;
      seen ||= position === this.#index;
      // Each level begins again with the first name.
      records.keyLength = 0;
      records.open(block);
      yield* readAll(records, 0);
    }
    return seen && position === this.limit && records.compare(last.key, last.keyLength) === 0;
  }

  /** Where the next block begins. Zeros that fill up an aligned block are no type of a block. */
  #behind({ start, end }: Block): number {
    const size = this.#blockSize;
    if (size === 0 || end === this.limit || this.data[end] !== 0) return end;
    return Math.min(this.limit, start + Math.ceil((end - start) / size) * size);
  }
}

/** @param block which one it is: most are small, and some are large */
function* readAll(records: ReftableRecords, block: number): Stretches<void> {
  if (block % BLOCK_PACE === 0) yield;
  for (let i = 1; records.next(); i++) if (i % PACE === 0) yield;
}
