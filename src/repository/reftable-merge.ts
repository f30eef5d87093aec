/** The refs of several tables in the order of their names: of those with one name, the newest table's. */
import type { Reftable } from './reftable.ts';
import { ReftableCursor } from './reftable-cursor.ts';

export class ReftableMerge {
  readonly #cursors: readonly ReftableCursor[];
  #current: ReftableCursor | undefined;

  /** @param tables the newest first */
  constructor(tables: readonly Reftable[]) {
    this.#cursors = tables.map((table) => new ReftableCursor(table));
  }

  /** Where the ref stands; undefined when there are no more. It may be a deletion. */
  get current(): ReftableCursor | undefined {
    return this.#current;
  }

  /** Goes to the first ref whose name does not sort before `name`. */
  seek(name: Uint8Array): void {
    for (const cursor of this.#cursors) cursor.seek(name);
    this.#choose();
  }

  next(): void {
    this.#current?.next();
    this.#choose();
  }

  #choose(): void {
    let first: ReftableCursor | undefined;
    for (const cursor of this.#cursors) {
      if (cursor.done) continue;
      const order = first ? cursor.compare(first) : -1;
      if (order < 0) first = cursor;
      // A newer table has a ref of this name.
      else if (order === 0) cursor.next();
    }
    this.#current = first;
  }
}
