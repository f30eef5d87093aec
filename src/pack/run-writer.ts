/** Writes runs: bytes of a pack as they lie there, but for the distances of deltas whose base has moved. */
import { OFS_DELTA } from '../repository/object-format.ts';
import type { PackFile } from '../repository/pack-file.ts';
import { writeDistance, writeTypeAndSize } from './entry-header.ts';
import type { Pace } from './pace.ts';
import type { PackOrder } from './pack-order.ts';
import type { PackWriter } from './pack-writer.ts';
import type { Placement } from './placement.ts';
import type { Run } from './runs.ts';

/** The longest header of an OFS_DELTA: two numbers of 64 bits. */
const LONGEST_HEADER = 20;

export class RunWriter {
  readonly #order: PackOrder;
  readonly #placement: Placement;
  readonly #writer: PackWriter;
  readonly #pace: Pace;
  readonly #head = Buffer.alloc(LONGEST_HEADER);
  /** The stretch that the last run belongs to: its pack, where it starts and ends there and in the pack written. */
  #pack: PackFile | undefined;
  #storedStart = 0;
  #storedEnd = 0;
  #start = 0;
  #end = 0;

  constructor(order: PackOrder, placement: Placement, writer: PackWriter, pace: Pace) {
    this.#order = order;
    this.#placement = placement;
    this.#writer = writer;
    this.#pace = pace;
  }

  /** @throws the system's error, `PACKHORSE_CANCELLED` */
  async write(run: Run): Promise<void> {
    const { pack, rank } = run.at;
    const from = pack.index.offset(rank);
    const to = pack.end(rank + run.count - 1);
    this.#begin(run.index, pack, from);
    if (run.closed) await this.#copy(pack, from, to);
    else await this.#copyMoved(run, from, to);
    this.#endAt(to);
  }

  #endAt(stored: number): void {
    this.#storedEnd = stored;
    this.#end = this.#writer.offset;
  }

  /**
   * Goes on with the stretch where this entry lies right behind it, and as far from its start as in its pack; else
   * begins another. What lies between is not known to be where it was, even where it has the same length in all.
   */
  #begin(index: number, pack: PackFile, stored: number): void {
    const { offset } = this.#writer;
    const isBehind = pack === this.#pack && stored === this.#storedEnd && offset === this.#end;
    if (isBehind && offset - this.#start === stored - this.#storedStart) return;
    this.#placement.place(index, offset, stored);
    this.#pack = pack;
    this.#storedStart = stored;
    this.#start = offset;
  }

  /** A run of which some bases lie before: they may be nearer than they were, or farther. */
  async #copyMoved({ index, count, at: { pack, rank } }: Run, from: number, to: number): Promise<void> {
    const number = this.#order.at(index);
    let copied = from;
    for (let n = 0; n < count; n++) {
      const { type, size, data, baseOffset } = pack.head(rank + n);
      // Nothing has moved within a stretch.
      if (type !== OFS_DELTA || baseOffset >= this.#storedStart) continue;
      const stored = pack.index.offset(rank + n);
      const place = this.#writer.offset + stored - copied;
      const baseIndex = this.#order.indexOf(number - rank + pack.index.rankAt(baseOffset));
      const base = this.#placement.offsetOf(baseIndex, baseOffset);
      if (place - base === stored - baseOffset) continue;
      await this.#copy(pack, copied, stored);
      const length = writeDistance(
        this.#head,
        writeTypeAndSize(this.#head, 0, OFS_DELTA, size),
        place - base,
      );
      await this.#writer.write(this.#head.subarray(0, length));
      const end = pack.end(rank + n);
      await this.#copy(pack, data, end);
      copied = end;
      this.#endAt(end);
      if (n + 1 < count) this.#begin(index + n + 1, pack, end);
    }
    await this.#copy(pack, copied, to);
  }

  async #copy(pack: PackFile, from: number, to: number): Promise<void> {
    const writer = this.#writer;
    for (let at = from; at < to; ) {
      if (writer.room === 0) await writer.next();
      const n = Math.min(writer.room, to - at);
      pack.copy(at, n, writer.bytes, writer.at);
      writer.advance(n);
      at += n;
      if (this.#pace.due()) await this.#pace.pause();
    }
  }
}
