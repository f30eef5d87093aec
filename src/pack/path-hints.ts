/** Where objects were found: what a search for deltas goes by, as git does. */
import { BLOB, type ObjectType, TREE } from '../repository/object-format.ts';
import { NumberList } from './number-list.ts';

const SLASH = 47;

/**
 * Goes on with git's `pack_name_hash`: a number that sorts paths by their last sixteen characters, white space left
 * out, so that files of one name or one extension come side by side.
 * @param hash of what stands before, 0 for nothing
 */
export function extendNameHash(hash: number, data: Uint8Array, from: number, to: number): number {
  let extended = hash;
  for (let at = from; at < to; at++) extended = withByte(extended, data[at]);
  return extended;
}

/** The hash of a directory's path with the slash that its entries' paths go on behind; the root has none. */
export function directoryHash(hash: number, isRoot: boolean): number {
  return isRoot ? 0 : withByte(hash, SLASH);
}

function withByte(hash: number, byte: number): number {
  const isSpace = byte === 32 || byte === 9 || byte === 10 || byte === 13;
  return isSpace ? hash : ((hash >>> 2) + (byte << 24)) >>> 0;
}

/** An object that the client has at the path of one that is sent. */
export interface PathBase {
  readonly number: number;
  readonly hash: number;
  readonly type: ObjectType;
}

const EMPTY = 0xffffffff;
const TREE_BIT = 1;
const KNOWN_BIT = 2;

/** The name hashes of trees and blobs, and what the client has at the same paths: nine bytes for each place. */
export class PathHints {
  #numbers = new Uint32Array(256).fill(EMPTY);
  #hashes = new Uint32Array(256);
  #bits = new Uint8Array(256);
  #count = 0;
  readonly #bases = new NumberList();
  readonly #offered = new Set<number>();

  /** Notes the path of an object; where it has several, the first counts. */
  note(number: number, hash: number, isTree: boolean): void {
    if (this.#count * 2 >= this.#numbers.length) this.#grow();
    if (this.#put(number, hash, KNOWN_BIT | (isTree ? TREE_BIT : 0))) this.#count++;
  }

  /** The name hash of an object; 0 where no path of it is known. */
  hash(number: number): number {
    return this.#hashes[this.#place(number)];
  }

  /** What the tree that names an object says it is. */
  type(number: number): ObjectType | undefined {
    const bits = this.#bits[this.#place(number)];
    if (bits === 0) return undefined;
    return bits & TREE_BIT ? TREE : BLOB;
  }

  /** Names an object that the client has as a base for those of this path. */
  offer(number: number, hash: number, isTree: boolean): void {
    if (this.#offered.has(number)) return;
    this.#offered.add(number);
    this.#bases.push(number);
    this.#bases.push(hash);
    this.#bases.push(isTree ? TREE : BLOB);
  }

  isOffered(number: number): boolean {
    return this.#offered.has(number);
  }

  *bases(): Generator<PathBase> {
    const list = this.#bases;
    for (let i = 0; i < list.length; i += 3) {
      yield { number: list.get(i), hash: list.get(i + 1), type: list.get(i + 2) as ObjectType };
    }
  }

  /** Where a number stands, or could. */
  #place(number: number): number {
    const numbers = this.#numbers;
    const mask = numbers.length - 1;
    let place = (Math.imul(number, 0x9e3779b1) >>> 7) & mask;
    while (numbers[place] !== EMPTY && numbers[place] !== number) place = (place + 1) & mask;
    return place;
  }

  #put(number: number, hash: number, bits: number): boolean {
    const place = this.#place(number);
    if (this.#numbers[place] !== EMPTY) return false;
    this.#numbers[place] = number;
    this.#hashes[place] = hash;
    this.#bits[place] = bits;
    return true;
  }

  #grow(): void {
    const [numbers, hashes, bits] = [this.#numbers, this.#hashes, this.#bits];
    this.#numbers = new Uint32Array(numbers.length * 2).fill(EMPTY);
    this.#hashes = new Uint32Array(numbers.length * 2);
    this.#bits = new Uint8Array(numbers.length * 2);
    for (let i = 0; i < numbers.length; i++) {
      if (numbers[i] !== EMPTY) this.#put(numbers[i], hashes[i], bits[i]);
    }
  }
}
