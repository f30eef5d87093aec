/**
 * The order in which stored objects are best rebuilt from their deltas: deltas hang below their bases as the trees of a
 * forest, and each tree is gone through depth first. A base is then at hand when its deltas are rebuilt, and nothing is
 * rebuilt twice. The largest branch of a base comes last and takes its place, so that no more than log2(n) + 2
 * objects are at hand at a time, however long the chains are.
 */
import type { ObjectReader } from '../repository/object-reader.ts';
import { isDelta } from '../repository/pack-file.ts';
import { HeldDeltas } from './held-deltas.ts';
import type { Pace } from './pace.ts';

const NONE = -1;

export class DeltaForest {
  /** The object that {@link advance} came to. */
  number = NONE;
  /** Whether it was asked for, or is only there for what was. */
  isAsked = false;
  /** Which of the places for objects at hand is free for it. */
  slot = NONE;
  /** In which of them its base is; -1 where it must be read by itself. */
  baseSlot = NONE;

  readonly #objects: ObjectReader;
  readonly #pace: Pace;
  /** What was asked for, ascending; behind it, bases that were not. A place in this list is a node. */
  #numbers = new Uint32Array(0);
  #asked = 0;
  #count = 0;
  readonly #deltas = new HeldDeltas();
  readonly #others = new Map<number, number>();
  #parents = new Int32Array(0);
  #firstChild = new Int32Array(0);
  #nextSibling = new Int32Array(0);
  #largestChild = new Int32Array(0);

  #node = NONE;
  #nextRoot = 0;
  /** From a root to the node at hand, less those whose place was taken: nodes, their slots, their next children. */
  readonly #path: number[] = [];
  readonly #pathSlots: number[] = [];
  readonly #pathNext: number[] = [];
  readonly #freeSlots: number[] = [];
  #slots = 0;

  constructor(objects: ObjectReader, pace: Pace) {
    this.#objects = objects;
    this.#pace = pace;
  }

  /** Begins with other objects, given in ascending order. */
  async plant(numbers: Uint32Array<ArrayBuffer>): Promise<void> {
    this.#numbers = numbers;
    this.#asked = numbers.length;
    this.#count = numbers.length;
    this.#others.clear();
    this.#deltas.clear();
    this.#parents = new Int32Array(numbers.length);
    for (let node = 0; node < this.#count; node++) {
      const parent = this.#findParent(node);
      this.#parents[node] = parent;
      if (this.#pace.due()) await this.#pace.pause();
    }
    this.#link();
    this.#nextRoot = 0;
  }

  /** Goes to the next object; false when there is none. */
  advance(): boolean {
    for (let top = this.#path.length - 1; top >= 0; top--) {
      const node = this.#path[top];
      const slot = this.#pathSlots[top];
      const largest = this.#largestChild[node];
      let child = this.#pathNext[top];
      if (child === largest && child !== NONE) child = this.#nextSibling[child];
      if (child !== NONE) {
        this.#pathNext[top] = this.#nextSibling[child];
        this.#enter(child, slot);
        return true;
      }
      this.#path.pop();
      this.#pathSlots.pop();
      this.#pathNext.pop();
      if (largest !== NONE) {
        this.#enter(largest, slot);
        this.#freeSlots.push(slot);
        return true;
      }
      this.#freeSlots.push(slot);
    }
    while (this.#nextRoot < this.#count && this.#parents[this.#nextRoot] !== NONE) this.#nextRoot++;
    if (this.#nextRoot === this.#count) return false;
    this.#enter(this.#nextRoot++, NONE);
    return true;
  }

  /**
   * The delta of the object at hand; valid until something else is read.
   * @throws Error when it is damaged
   */
  delta(): Buffer {
    return this.#deltas.read(this.#node) ?? this.#objects.readDelta(this.number);
  }

  #enter(node: number, baseSlot: number): void {
    this.slot = this.#freeSlots.pop() ?? this.#slots++;
    this.baseSlot = baseSlot;
    this.#node = node;
    this.number = this.#numbers[node];
    this.isAsked = node < this.#asked;
    this.#path.push(node);
    this.#pathSlots.push(this.slot);
    this.#pathNext.push(this.#firstChild[node]);
  }

  /** The node of an object's base, added where it is new; NONE for what is stored whole, loose, or damaged. */
  #findParent(node: number): number {
    const { view } = this.#objects;
    const number = this.#numbers[node];
    let base = NONE;
    try {
      if (!view.isLoose(number)) base = this.#findBase(number);
    } catch {
      // Reading the object will say what is wrong, or find another copy.
    }
    if (base === NONE) {
      this.#deltas.skip();
      return NONE;
    }
    const known = this.#nodeOf(base);
    if (known !== NONE) return known;
    // Another pack may have the copy that was asked for.
    if (view.packCount > 1) base = view.find(view.oid(base));
    const copy = this.#nodeOf(base);
    return copy !== NONE ? copy : this.#add(base);
  }

  /** The base of a packed object, whose delta is held. */
  #findBase(number: number): number {
    const at = this.#objects.view.packedAt(number);
    const header = at.pack.header(at.rank);
    if (!isDelta(header)) return NONE;
    const base = this.#objects.baseOf(at, header);
    this.#deltas.push(at.pack, at.rank, header);
    return base;
  }

  #nodeOf(number: number): number {
    let low = 0;
    let high = this.#asked - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const value = this.#numbers[middle];
      if (value === number) return middle;
      if (value < number) low = middle + 1;
      else high = middle - 1;
    }
    return this.#others.get(number) ?? NONE;
  }

  #add(number: number): number {
    const node = this.#count++;
    if (node >= this.#numbers.length) {
      const numbers = new Uint32Array(node * 2 + 64);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
      const parents = new Int32Array(node * 2 + 64);
      parents.set(this.#parents);
      this.#parents = parents;
    }
    this.#numbers[node] = number;
    this.#others.set(number, node);
    return node;
  }

  /** Knowing everyone's parent, finds everyone's children. What is not below any root hangs in a ring of damage. */
  #link(): void {
    const count = this.#count;
    const parents = this.#parents;
    this.#firstChild = new Int32Array(count).fill(NONE);
    this.#nextSibling = new Int32Array(count).fill(NONE);
    this.#largestChild = new Int32Array(count).fill(NONE);
    for (let node = count - 1; node >= 0; node--) {
      if (parents[node] === NONE) continue;
      this.#nextSibling[node] = this.#firstChild[parents[node]];
      this.#firstChild[parents[node]] = node;
    }
    const sizes = new Uint32Array(count);
    const order = new Uint32Array(count); // everyone behind their parent
    let ordered = 0;
    for (let node = 0; node < count; node++) if (parents[node] === NONE) order[ordered++] = node;
    for (let i = 0; i < ordered; i++) {
      sizes[order[i]] = 1;
      for (let child = this.#firstChild[order[i]]; child !== NONE; child = this.#nextSibling[child]) {
        order[ordered++] = child;
      }
    }
    for (let i = ordered - 1; i >= 0; i--) {
      const node = order[i];
      const parent = parents[node];
      if (parent === NONE) continue;
      sizes[parent] += sizes[node];
      const largest = this.#largestChild[parent];
      if (largest === NONE || sizes[node] > sizes[largest]) this.#largestChild[parent] = node;
    }
    if (ordered === count) return;
    for (let node = 0; node < count; node++) {
      if (sizes[node] > 0) continue;
      parents[node] = NONE;
      this.#firstChild[node] = NONE;
    }
  }
}
