/** Where records are, by the first eight bytes of their ids: a hash table in one typed array, twelve bytes a slot. */

const LEAST_SLOTS = 1024;
/** Records of the largest table, whose slots take 24 MiB. */
const MOST = 2 ** 20;
/** 32-bit words of a slot: the two halves of the key, and the place. */
const SLOT = 3;

export class PlaceTable {
  #slots = new Uint32Array(LEAST_SLOTS * SLOT);
  #mask = LEAST_SLOTS - 1;
  #count = 0;

  /** Bytes of memory. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  get isFull(): boolean {
    return this.#count >= MOST;
  }

  /** The place of a record, or 0. */
  get(high: number, low: number): number {
    return this.#slots[this.#slotOf(high, low) + 2];
  }

  /** @param place not 0; the place of what has the same key is forgotten */
  set(high: number, low: number, place: number): void {
    const slot = this.#slotOf(high, low);
    if (this.#slots[slot + 2] === 0) {
      if (this.isFull) return;
      this.#count++;
    }
    this.#slots[slot] = high;
    this.#slots[slot + 1] = low;
    this.#slots[slot + 2] = place;
    if (this.#count * SLOT * 2 > this.#slots.length) this.#grow();
  }

  clear(): void {
    this.#slots = new Uint32Array(LEAST_SLOTS * SLOT);
    this.#mask = LEAST_SLOTS - 1;
    this.#count = 0;
  }

  /** The slot of a key, or the free one where it belongs. Ids are spread evenly as they are. */
  #slotOf(high: number, low: number): number {
    const slots = this.#slots;
    for (let at = high & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = at * SLOT;
      if (slots[slot + 2] === 0 || (slots[slot] === high && slots[slot + 1] === low)) return slot;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    this.#mask = this.#slots.length / SLOT - 1;
    for (let slot = 0; slot < old.length; slot += SLOT) {
      if (old[slot + 2] === 0) continue;
      this.#slots.set(old.subarray(slot, slot + SLOT), this.#slotOf(old[slot], old[slot + 1]));
    }
  }
}
