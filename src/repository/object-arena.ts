/**
 * Objects that were read lately, in memory that is used again and again: the bases of the next deltas. One for a
 * thread. Nothing is allocated for an object, so nothing is left to the garbage collector.
 */
import type { ObjectType } from './object-format.ts';

const SEGMENT_BYTES = 1024 * 1024;
/** Larger objects get a buffer of their own and are not kept. */
export const LARGEST_KEPT: number = SEGMENT_BYTES / 4;

const LARGEST_PASSING = 8 * SEGMENT_BYTES;

interface Slot {
  readonly segment: Segment;
  readonly at: number;
  readonly length: number;
  readonly type: ObjectType;
}

/** The objects kept of one pack, by rank. */
type Slots = Map<number, Slot>;

/** A pack, as far as the arena goes. */
interface Owner {
  /** Whether anyone may still ask for its objects; apart from the pack, which is not to be held on to. */
  readonly life: { readonly isOpen: boolean };
}

interface Segment {
  readonly memory: Buffer;
  used: number;
  /** Of the packs of what was put in. */
  readonly lives: Set<Owner['life']>;
  /** What was put in, side by side: of which pack, under which rank. */
  readonly owners: Slots[];
  readonly ranks: number[];
}

/** Room for one object: `length` bytes at `at` of `memory`, and one byte behind them that may be written to. */
export interface Room {
  readonly memory: Buffer;
  readonly at: number;
}

/**
 * Segments are filled one after the other; when the budget is used up, the oldest is emptied and filled again, and
 * before that, one whose packs are all closed. What `get` and `room` give is valid until two more segments' worth has
 * been asked for, and as long as the pack is open.
 */
export class ObjectArena {
  readonly #limit: number;
  /** The oldest first; the last is being filled. */
  readonly #segments: Segment[] = [];
  readonly #slots = new WeakMap<Owner, Slots>();
  readonly #buffers: Buffer[] = [];
  #turn = 0;

  /** @param budget bytes held at most, allocated as they are needed */
  constructor(budget: number) {
    this.#limit = Math.max(4, Math.floor(budget / SEGMENT_BYTES));
  }

  /** Bytes held for objects that may be kept. */
  get memory(): number {
    return this.#segments.length * SEGMENT_BYTES;
  }

  /** The object kept of a pack. */
  get(pack: Owner, rank: number): { type: ObjectType; data: Buffer } | undefined {
    const slot = this.#slots.get(pack)?.get(rank);
    if (!slot) return undefined;
    const { segment, at, length, type } = slot;
    const data = segment.memory.subarray(at, at + length);
    // About to be emptied: what is in use again is kept by being read again into a young segment.
    if (this.#isOld(segment)) return { type, data: this.#renew(pack, rank, slot, data) };
    return { type, data };
  }

  /**
   * Room for an object, to be filled by the caller before anything else is asked for.
   * @param passing whether the object is only needed to make the next one from: a large one is then put into memory
   *   that is used again after one more
   */
  room(length: number, passing = false): Room {
    if (length > LARGEST_KEPT) return { memory: passing ? this.#passing(length) : newBuffer(length), at: 0 };
    let segment = this.#segments.at(-1);
    if (!segment || segment.used + length + 1 > SEGMENT_BYTES) segment = this.#nextSegment();
    const at = segment.used;
    segment.used += length + 1;
    return { memory: segment.memory, at };
  }

  /** Keeps what was put into the room that was asked for last. */
  keep(pack: Owner, rank: number, type: ObjectType, room: Room, length: number): void {
    const segment = this.#segments.at(-1);
    if (!segment || segment.memory !== room.memory) return;
    let slots = this.#slots.get(pack);
    if (!slots) {
      slots = new Map();
      this.#slots.set(pack, slots);
    }
    slots.set(rank, { segment, at: room.at, length, type });
    segment.lives.add(pack.life);
    segment.owners.push(slots);
    segment.ranks.push(rank);
  }

  /** Large objects of a chain of deltas lie in two buffers in turn; what is very large leaves nothing behind. */
  #passing(length: number): Buffer {
    if (length > LARGEST_PASSING) return newBuffer(length);
    this.#turn = 1 - this.#turn;
    const known = this.#buffers[this.#turn];
    if (known && known.length > length) return known;
    this.#buffers[this.#turn] = newBuffer(Math.min(LARGEST_PASSING, length * 2));
    return this.#buffers[this.#turn];
  }

  #renew(pack: Owner, rank: number, { type, length }: Slot, data: Buffer): Buffer {
    const room = this.room(length);
    room.memory.set(data, room.at);
    this.keep(pack, rank, type, room, length);
    return room.memory.subarray(room.at, room.at + length);
  }

  /** Whether a segment is one of the two that are emptied next. */
  #isOld(segment: Segment): boolean {
    if (this.#segments.length < this.#limit) return false;
    return segment === this.#segments[0] || segment === this.#segments[1];
  }

  #nextSegment(): Segment {
    const segment = this.#takeUnused() ?? newSegment();
    this.#segments.push(segment);
    return segment;
  }

  /** A segment to be filled again; undefined where there is room for another one. */
  #takeUnused(): Segment | undefined {
    const unused = this.#segments.findIndex(({ lives }) => [...lives].every(({ isOpen }) => !isOpen));
    if (unused < 0 && this.#segments.length < this.#limit) return undefined;
    const [segment] = this.#segments.splice(Math.max(unused, 0), 1);
    for (const [i, slots] of segment.owners.entries()) {
      const rank = segment.ranks[i];
      if (slots.get(rank)?.segment === segment) slots.delete(rank);
    }
    segment.lives.clear();
    segment.owners.length = 0;
    segment.ranks.length = 0;
    segment.used = 0;
    return segment;
  }
}

function newSegment(): Segment {
  const memory = Buffer.allocUnsafeSlow(SEGMENT_BYTES);
  return { memory, used: 0, lives: new Set(), owners: [], ranks: [] };
}

function newBuffer(length: number): Buffer {
  return Buffer.allocUnsafeSlow(length + 1);
}
