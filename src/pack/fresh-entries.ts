/** The entries of one directory that the client may not have, to be looked for in the client's trees of that directory. */
import { endOfMode, endOfTreeEntry, kindOfTreeEntry } from '../repository/parse-object.ts';
import { extendNameHash } from './path-hints.ts';

/** What stands under one name. */
export interface FreshName {
  readonly name: string;
  /** git's name hash of the path. */
  readonly hash: number;
  readonly trees: Set<number>;
  readonly blobs: Set<number>;
  /** Trees that the client has under this name. */
  readonly had: Set<number>;
}

const FILTER_MASK = 4095;

export class FreshEntries {
  readonly #find: (data: Buffer, id: number) => number;
  readonly #hash: number;
  readonly #inside: number;
  readonly #names = new Map<string, FreshName>();
  readonly #numbers = new Set<number>();
  /** Of most names and ids of a directory these tell at once that they are not among the fresh ones. */
  readonly #nameFilter = new Uint8Array(FILTER_MASK + 1);
  readonly #idFilter = new Uint8Array(FILTER_MASK + 1);

  /**
   * @param find the number of the object whose id stands in `data` at `id`, or -1
   * @param hash bytes of an id
   * @param inside the name hash of the directory, as `directoryHash` gives it
   */
  constructor(find: (data: Buffer, id: number) => number, hash: number, inside: number) {
    this.#find = find;
    this.#hash = hash;
    this.#inside = inside;
  }

  get names(): Iterable<FreshName> {
    return this.#names.values();
  }

  get size(): number {
    return this.#names.size;
  }

  /** Adds the entry of a tree that starts at `at`. */
  add(data: Buffer, at: number, end: number, number: number, isTree: boolean): void {
    const from = endOfMode(data, at) + 1;
    const id = end - this.#hash;
    const name = data.toString('latin1', from, id - 1);
    let fresh = this.#names.get(name);
    if (!fresh) {
      const hash = extendNameHash(this.#inside, data, from, id - 1);
      fresh = { name, hash, trees: new Set(), blobs: new Set(), had: new Set() };
      this.#names.set(name, fresh);
      this.#nameFilter[nameKey(data, from, id - 1)] = 1;
    }
    (isTree ? fresh.trees : fresh.blobs).add(number);
    this.#numbers.add(number);
    this.#idFilter[idKey(data, id)] = 1;
  }

  /**
   * Looks through a tree of the client's.
   * @param onSame called for what stands under the name of a fresh entry
   * @param onKnown called for a fresh object that stands there under any name
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when the bytes are no tree
   */
  compare(
    data: Buffer,
    onSame: (fresh: FreshName, number: number, isTree: boolean) => void,
    onKnown: (number: number) => void,
  ): void {
    for (let at = 0; at < data.length; ) {
      const end = endOfTreeEntry(data, at, this.#hash);
      const from = endOfMode(data, at) + 1;
      const id = end - this.#hash;
      if (this.#nameFilter[nameKey(data, from, id - 1)] === 1) {
        const fresh = this.#names.get(data.toString('latin1', from, id - 1));
        const kind = fresh && kindOfTreeEntry(data, at);
        const number = fresh && kind !== 'gitlink' ? this.#find(data, id) : -1;
        if (fresh && number >= 0) onSame(fresh, number, kind === 'tree');
      }
      if (this.#idFilter[idKey(data, id)] === 1) {
        const number = this.#find(data, id);
        if (this.#numbers.has(number)) onKnown(number);
      }
      at = end;
    }
  }
}

function nameKey(data: Buffer, from: number, to: number): number {
  const middle = (from + to) >>> 1;
  return ((to - from) * 31 + data[from] * 7 + data[middle] * 131 + data[to - 1] * 523) & FILTER_MASK;
}

function idKey(data: Buffer, id: number): number {
  return (data[id] | (data[id + 1] << 8)) & FILTER_MASK;
}
