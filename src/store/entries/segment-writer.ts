/** Appends to a segment of one's own, a block at a time. */
import fs from 'node:fs';
import {
  align,
  BLOCK_HEAD,
  recordBytes,
  SEGMENT_HEAD,
  TABLE_ROW,
  writeBlockHead,
  writeRecord,
} from './segment-format.ts';

/** Bytes of records that are written together. */
const BLOCK_BYTES = 256 * 1024;
const LEAST_TABLE = 256 * TABLE_ROW;

export class SegmentWriter {
  readonly fd: number;
  #size = 0;
  /** The block being filled: its head is left free. Nothing is held where nothing waits. */
  #block: Buffer | undefined;
  #used = BLOCK_HEAD;
  #table = Buffer.alloc(0);
  #rows = 0;

  /** @throws the system's error */
  constructor(file: string) {
    this.fd = fs.openSync(file, 'wx+', 0o600);
    try {
      this.#write([SEGMENT_HEAD]);
    } catch (error) {
      fs.closeSync(this.fd);
      fs.rmSync(file, { force: true });
      throw error;
    }
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the file, at most, when what waits and one more record of so many bytes have been written. */
  sizeWith(bytes: number): number {
    return this.#size + this.#used + BLOCK_HEAD + bytes + align((this.#rows + 1) * TABLE_ROW);
  }

  /** Adds a record, whose entry is `head` and then `stream`. @throws the system's error */
  add(oid: Uint8Array, head: Uint8Array, stream: Uint8Array): void {
    const bytes = recordBytes(oid.length, head.length + stream.length);
    if (this.#used + bytes > BLOCK_BYTES) this.flush();
    this.#reserve(bytes);
    this.#table.set(oid.subarray(0, 8), this.#rows * TABLE_ROW);
    this.#table.writeUInt32BE(this.#used, this.#rows * TABLE_ROW + 8);
    this.#rows++;
    this.#used = writeRecord(this.#block!, this.#used, oid, head, stream);
    if (this.#used > BLOCK_BYTES) this.flush();
  }

  /** Writes what waits. @throws the system's error */
  flush(): void {
    if (this.#rows === 0) return;
    const block = this.#block!;
    const table = this.#table.subarray(0, this.#rows * TABLE_ROW);
    const rows = Buffer.alloc(align(table.length));
    rows.set(table);
    writeBlockHead(block, this.#used + rows.length, table);
    const bytes = block.subarray(0, this.#used);
    this.#block = undefined;
    this.#used = BLOCK_HEAD;
    this.#rows = 0;
    this.#write([bytes, rows]);
  }

  #reserve(bytes: number): void {
    this.#block ??= Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, BLOCK_HEAD + bytes));
    if ((this.#rows + 1) * TABLE_ROW <= this.#table.length) return;
    const table = Buffer.alloc(Math.max(LEAST_TABLE, this.#table.length * 2));
    table.set(this.#table);
    this.#table = table;
  }

  /** What is written in part ends the segment: nothing that comes behind it would be found. */
  #write(parts: readonly Buffer[]): void {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const written = fs.writevSync(this.fd, parts, this.#size);
    if (written < length)
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: 'write' });
    this.#size += length;
  }
}
