/** The objects that a search for deltas looks at: those to be sent that have no delta yet, and those that may lend a base. */
import type { ObjectType } from '../repository/object-format.ts';

/** Shorter objects are not worth a delta: its head and its base's name take as much. */
export const SMALLEST_TARGET = 50;

/** Candidates by place, in typed arrays: 19 bytes each. */
export class DeltaCandidates {
  #numbers = new Uint32Array(64);
  #hashes = new Uint32Array(64);
  /** Bytes of content; 0 for a base that has not been read yet. */
  #sizes = new Uint32Array(64);
  #packs = new Int32Array(64);
  #types = new Uint8Array(64);
  #bases = new Uint8Array(64);
  #above = new Uint8Array(64);
  #length = 0;
  #targets = 0;
  #lenders = 0;

  get length(): number {
    return this.#length;
  }

  /** Whether there can be a pair to try: objects stored whole in one pack have been tried when it was made. */
  get isWorthwhile(): boolean {
    return this.#targets > 0 && this.#lenders > 0;
  }

  /**
   * An object to send, for which there is no stored delta to reuse.
   * @param hash git's name hash of its path, 0 where that is not known
   * @param size bytes of content
   * @param pack which pack holds it whole; -1 when it is a delta there, or loose
   * @param above how many reused deltas stand on one another on it, at most 255
   */
  addTarget(number: number, type: ObjectType, hash: number, size: number, pack: number, above: number): void {
    this.#add(number, type, hash, size, pack, above);
    if (size >= SMALLEST_TARGET) this.#targets++;
    if (pack < 0 || pack !== this.#packs[0]) this.#lenders++;
  }

  /** An object that the client has and that is not sent; of one path, those that should be tried first are added first. */
  addBase(number: number, type: ObjectType, hash: number): void {
    this.#add(number, type, hash, 0, -1, 0);
    this.#bases[this.#length - 1] = 1;
    this.#lenders++;
  }

  number(place: number): number {
    return this.#numbers[place];
  }

  hash(place: number): number {
    return this.#hashes[place];
  }

  type(place: number): number {
    return this.#types[place];
  }

  size(place: number): number {
    return this.#sizes[place];
  }

  setSize(place: number, size: number): void {
    this.#sizes[place] = size;
  }

  /** Whether it is only a base. */
  isBase(place: number): boolean {
    return this.#bases[place] === 1;
  }

  above(place: number): number {
    return this.#above[place];
  }

  /** Whether both lie whole in one pack: its maker found no delta between them that was worth it. */
  wereTried(target: number, base: number): boolean {
    return this.#packs[target] >= 0 && this.#packs[target] === this.#packs[base];
  }

  /** All places in the order of the search: by type and name, bases first (the last added first), then the larger and the newer ones. */
  sorted(): Uint32Array {
    const order = new Uint32Array(this.#length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    const [types, hashes, bases, sizes, numbers] = [
      this.#types,
      this.#hashes,
      this.#bases,
      this.#sizes,
      this.#numbers,
    ];
    return order.sort(
      (a, b) =>
        types[b] - types[a] ||
        hashes[b] - hashes[a] ||
        bases[b] - bases[a] ||
        (bases[a] === 1 ? b - a : sizes[b] - sizes[a] || numbers[a] - numbers[b]),
    );
  }

  #add(number: number, type: number, hash: number, size: number, pack: number, above: number): void {
    if (this.#length === this.#numbers.length) this.#grow();
    const place = this.#length++;
    this.#numbers[place] = number;
    this.#hashes[place] = hash;
    this.#sizes[place] = size;
    this.#packs[place] = pack;
    this.#types[place] = type;
    this.#above[place] = above;
  }

  #grow(): void {
    const length = this.#length * 2;
    this.#numbers = grown(new Uint32Array(length), this.#numbers);
    this.#hashes = grown(new Uint32Array(length), this.#hashes);
    this.#sizes = grown(new Uint32Array(length), this.#sizes);
    this.#packs = grown(new Int32Array(length), this.#packs);
    this.#types = grown(new Uint8Array(length), this.#types);
    this.#bases = grown(new Uint8Array(length), this.#bases);
    this.#above = grown(new Uint8Array(length), this.#above);
  }
}

function grown<T extends Uint8Array | Uint32Array | Int32Array>(array: T, old: T): T {
  array.set(old);
  return array;
}
