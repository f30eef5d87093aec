/** The records of a reftable's blocks, one after the other, without an object for each. Everything read is checked. */
import { type Block, type Blocks, REF_BLOCK, restartAt } from './reftable-block.ts';

/** Types of the records of refs: without a value, (1) with an id, with that and a peeled one, with another's name. */
export const DELETION = 0;
export const PEELED = 2;
export const SYMBOLIC = 3;

/** A key that has more bytes is taken for damage: no ref name of that length could be sent. */
const LONGEST_KEY = 2 ** 16;

/** Valid until the next {@link next}. Positions are bytes into the file. */
export class ReftableRecords {
  /** The name of a ref, or the last name of a block that an index record stands for; a zero ends it. */
  key: Buffer = Buffer.allocUnsafe(256);
  keyLength = 0;
  type = DELETION;
  /** Where the value of a ref stands, and where it ends. */
  value = 0;
  valueEnd = 0;
  readonly #blocks: Blocks;
  readonly #data: Buffer;
  #block: Block | undefined;
  /** The next record, and where there are no more. */
  #at = 0;
  #end = 0;
  /** The next restart, and where it should be. */
  #restart = 0;
  #restartAt = 0;

  constructor(blocks: Blocks) {
    this.#blocks = blocks;
    this.#data = blocks.data;
  }

  /** Goes on with the records of a block, whose keys must all be greater than the last one. */
  open(block: Block): void {
    this.#block = block;
    this.#end = block.restarts;
    this.#at = block.records;
    this.#setRestart(0);
  }

  /** Begins anew with the last restart of a checked block whose key does not sort behind `wanted`, or the first. */
  openAt(block: Block, wanted: Uint8Array): void {
    this.open(block);
    this.keyLength = 0;
    let low = 0;
    let high = block.restartCount;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (compareWholeKey(this.#data, restartAt(this.#data, block, middle), wanted) <= 0) low = middle;
      else high = middle;
    }
    this.#setRestart(low);
    this.#at = this.#restartAt;
  }

  /**
   * The next record of the block; false where there are no more.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`
   */
  next(): boolean {
    const start = this.#at;
    if (start === this.#end) {
      if (this.#restartAt !== Number.POSITIVE_INFINITY) throw this.#blocks.fail('a restart names no record');
      return false;
    }
    const prefix = this.#readVarint();
    const coded = this.#readVarint();
    if (start >= this.#restartAt) {
      if (start > this.#restartAt || prefix > 0) throw this.#blocks.fail('a restart names no record');
      this.#setRestart(this.#restart + 1);
    }
    this.#readKey(prefix, Math.floor(coded / 8));
    this.type = coded % 8;
    // The number of an update, or the position of a block.
    this.#readVarint();
    if (this.#block!.type === REF_BLOCK) this.#readValue();
    return true;
  }

  /** Negative: the key sorts before `name`. */
  compare(name: Uint8Array, length = name.length): number {
    return this.key.compare(name, 0, length, 0, this.keyLength);
  }

  #setRestart(restart: number): void {
    const block = this.#block!;
    const known = restart < block.restartCount;
    this.#restart = restart;
    this.#restartAt = known ? restartAt(this.#data, block, restart) : Number.POSITIVE_INFINITY;
  }

  /** Reads the end of a key; its first `prefix` bytes are those of the one before. */
  #readKey(prefix: number, suffix: number): void {
    const length = prefix + suffix;
    if (prefix > this.keyLength || suffix > this.#end - this.#at || length > LONGEST_KEY) {
      throw this.#blocks.fail('the length of a name is wrong');
    }
    if (!this.#rises(prefix, suffix)) throw this.#blocks.fail('its names are not in order');
    if (length >= this.key.length) this.key = Buffer.concat([this.key], 2 * length);
    for (let i = prefix; i < length; i++) this.key[i] = this.#data[this.#at++];
    this.key[length] = 0;
    this.keyLength = length;
  }

  /** Whether the new key sorts behind the old one. */
  #rises(prefix: number, suffix: number): boolean {
    const old = this.keyLength - prefix;
    const common = Math.min(old, suffix);
    for (let i = 0; i < common; i++) {
      const difference = this.#data[this.#at + i] - this.key[prefix + i];
      if (difference !== 0) return difference > 0;
    }
    return suffix > old;
  }

  #readValue(): void {
    const { fail, hash } = this.#blocks;
    if (this.type > SYMBOLIC) throw fail(`a ref has a value of the unknown type ${this.type}`);
    const length = this.type === SYMBOLIC ? this.#readVarint() : this.type * hash;
    if (length > this.#end - this.#at) throw fail('the value of a ref is cut short');
    this.value = this.#at;
    this.#at += length;
    this.valueEnd = this.#at;
  }

  /** As the distance in an OFS_DELTA; what is too large for a number loses its last bits, and is too large still. */
  #readVarint(): number {
    let value = -1;
    for (;;) {
      if (this.#at >= this.#end) throw this.#blocks.fail('a record is cut short');
      const byte = this.#data[this.#at++];
      value = (value + 1) * 128 + (byte & 127);
      if (byte < 128) return value;
    }
  }
}

/** Negative: the key of a checked record that holds it whole sorts before `wanted`. */
export function compareWholeKey(data: Buffer, record: number, wanted: Uint8Array): number {
  // The length of the part that it has in common with another, 0, takes one byte.
  let at = record + 1;
  let value = -1;
  let byte: number;
  do {
    byte = data[at++];
    value = (value + 1) * 128 + (byte & 127);
  } while (byte >= 128);
  return data.compare(wanted, 0, wanted.length, at, at + Math.floor(value / 8));
}
