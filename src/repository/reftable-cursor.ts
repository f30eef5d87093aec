/** A place among the refs of a table. */
import { refNameEnd } from '../ref-name.ts';
import type { Reftable } from './reftable.ts';
import { PEELED, ReftableRecords } from './reftable-records.ts';
import type { LineParts, StoredRef } from './stored-ref.ts';

const SPACE = Buffer.from(' ');

/** It stands at a ref as long as it is not {@link done}. */
export class ReftableCursor implements StoredRef {
  readonly table: Reftable;
  readonly #data: Buffer;
  /** Bytes of an object id. */
  readonly #hash: number;
  readonly #record: ReftableRecords;
  readonly #oid = new Uint8Array(32);
  #block = 0;
  /** Whether there are no more refs. */
  done = true;

  constructor(table: Reftable) {
    this.table = table;
    this.#data = table.data;
    this.#hash = table.hash;
    this.#record = new ReftableRecords(table);
  }

  /** Goes to the first ref whose name does not sort before `name`. */
  seek(name: Uint8Array): void {
    this.done = this.table.blockCount === 0;
    if (this.done) return;
    this.#block = this.table.find(name);
    this.#record.openAt(this.table.block(this.#block), name);
    do this.next();
    while (!this.done && this.#record.compare(name) < 0);
  }

  /** Goes to the next ref. */
  next(): void {
    while (!this.#record.next()) {
      this.done = ++this.#block >= this.table.blockCount;
      if (this.done) return;
      this.#record.open(this.table.block(this.#block));
    }
  }

  /** Negative: the name sorts before that of another. */
  compare(other: ReftableCursor): number {
    return this.#record.compare(other.#record.key, other.#record.keyLength);
  }

  isNamed(name: Uint8Array): boolean {
    return this.#record.keyLength === name.length && this.startsWith(name);
  }

  startsWith(prefix: Uint8Array): boolean {
    const { key, keyLength } = this.#record;
    if (keyLength < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (key[i] !== prefix[i]) return false;
    return true;
  }

  /** One of the types of records. */
  get type(): number {
    return this.#record.type;
  }

  /** Whether the name is well formed; such a one alone is a ref. */
  get named(): boolean {
    return refNameEnd(this.#record.key, 0) === this.#record.keyLength;
  }

  name(): string {
    return this.#record.key.toString('latin1', 0, this.#record.keyLength);
  }

  /** The name that a symbolic ref points at, a byte string. */
  target(): string {
    return this.#data.toString('latin1', this.#record.value, this.#record.valueEnd);
  }

  /** Whether the id is that of nothing: the ref is a broken one. */
  get isZero(): boolean {
    return this.oid.every((byte) => byte === 0);
  }

  get oid(): Uint8Array {
    return this.#binary(this.#record.value);
  }

  oidHex(): string {
    return this.#hex(this.#record.value);
  }

  get peeled(): number {
    return this.#record.type === PEELED ? this.#record.value + this.#hash : -1;
  }

  /** git stores one id alone also where it cannot tell whether that is a tag. */
  get peeledKnown(): boolean {
    return false;
  }

  peeledOid(): Uint8Array {
    return this.#binary(this.peeled);
  }

  peeledHex(): string | undefined {
    return this.peeled < 0 ? undefined : this.#hex(this.peeled);
  }

  put(line: LineParts): void {
    const { key, keyLength, value } = this.#record;
    line.hex(this.#data, value, value + this.#hash);
    line.copy(SPACE, 0, 1);
    line.copy(key, 0, keyLength);
  }

  putPeeled(line: LineParts): void {
    line.hex(this.#data, this.peeled, this.peeled + this.#hash);
  }

  #binary(id: number): Uint8Array {
    for (let i = 0; i < this.#hash; i++) this.#oid[i] = this.#data[id + i];
    return this.#oid;
  }

  #hex(id: number): string {
    return this.#data.toString('hex', id, id + this.#hash);
  }
}
