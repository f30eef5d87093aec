/** A segment that is read: found by its name, it grows while a thread writes it. */
import fs from 'node:fs';
import { readFully, WINDOW_BYTES, type WindowCache, type WindowSource } from '../../repository/windows.ts';
import {
  ALIGNMENT,
  align,
  BLOCK_HEAD,
  isTableOf,
  lengthOfRecord,
  RECORD_START,
  readBlockHead,
  readRecord,
  recordBytes,
  SEGMENT_HEAD,
  TABLE_ROW,
} from './segment-format.ts';

/** Told of a record: the first eight bytes of its id, and where it starts. */
export type OnRecord = (high: number, low: number, at: number) => void;

let serials = 0;

export class Segment implements WindowSource {
  readonly file: string;
  readonly fd: number;
  /** What its owner calls it by. */
  number = 0;
  serial: number = ++serials;
  readonly #windows: WindowCache;
  readonly #id: number;
  /** Where the last whole block ends. */
  #end = SEGMENT_HEAD.length;
  /** Bytes of the file when it was looked at last: what its last block lacks may be on its way. */
  #seen = 0;
  #inside = 0;

  /** @param id bytes of an id */
  constructor(file: string, fd: number, id: number, windows: WindowCache) {
    this.file = file;
    this.fd = fd;
    this.#id = id;
    this.#windows = windows;
  }

  get size(): number {
    return this.#end;
  }

  /**
   * Tells of the records that came since the last call. What is not whole is left for later: it may still be written.
   * @returns false where the file was removed, or cut short
   */
  scan(onRecord: OnRecord): boolean {
    const { size, nlink } = fs.fstatSync(this.fd);
    if (nlink === 0 || size < this.#seen) return false;
    this.#seen = size;
    if (size === this.#end) return true;
    const before = this.#end;
    if (before === SEGMENT_HEAD.length && !this.#hasHead(size)) return true;
    while (this.#scanBlock(size, onRecord)) {}
    // The window at the end of what was there is not what lies there now.
    if (this.#end > before) this.serial = ++serials;
    return true;
  }

  /** Forgets what was scanned. */
  rewind(): void {
    this.#end = SEGMENT_HEAD.length;
    this.#seen = 0;
  }

  /** The entry of the record at `at`; undefined where it is damaged, or another object's. Valid until the next call. */
  read(at: number, oid: Uint8Array): Buffer | undefined {
    if (at + recordBytes(this.#id, 0) > this.#end) return undefined;
    const start = this.#bytes(at, RECORD_START);
    const length = lengthOfRecord(start, this.#inside, this.#id);
    if (at + length > this.#end) return undefined;
    const bytes = this.#bytes(at, length);
    return readRecord(bytes, this.#inside, length, oid);
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  #hasHead(size: number): boolean {
    if (size < SEGMENT_HEAD.length) return false;
    const head = Buffer.alloc(SEGMENT_HEAD.length);
    readFully(this.fd, head, 0);
    return head.equals(SEGMENT_HEAD);
  }

  #scanBlock(size: number, onRecord: OnRecord): boolean {
    const start = this.#end;
    if (start + BLOCK_HEAD > size) return false;
    const head = Buffer.alloc(BLOCK_HEAD);
    readFully(this.fd, head, start);
    const block = readBlockHead(head, size - start);
    if (!block) return false;
    const table = Buffer.allocUnsafe(block.table);
    readFully(this.fd, table, start + block.length - align(block.table));
    if (!isTableOf(head, block, table)) return false;
    this.#end = start + block.length;
    for (let row = 0; row < table.length; row += TABLE_ROW) {
      const at = start + table.readUInt32BE(row + 8);
      if (at % ALIGNMENT === 0) onRecord(table.readUInt32BE(row), table.readUInt32BE(row + 4), at);
    }
    return true;
  }

  /** Memory that holds so many bytes from `offset` on: there they start at `#inside`. */
  #bytes(offset: number, length: number): Buffer {
    const index = Math.floor(offset / WINDOW_BYTES);
    this.#inside = offset - index * WINDOW_BYTES;
    if (this.#inside + length <= WINDOW_BYTES) return this.#windows.get(this, index);
    const whole = Buffer.allocUnsafeSlow(length);
    readFully(this.fd, whole, offset);
    this.#inside = 0;
    return whole;
  }
}
