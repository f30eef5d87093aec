/** An index file in memory, as one worker read it and all of them may hold it, with the tables made from it. */
import fs from 'node:fs';
import path from 'node:path';
import { SharedWork } from '../shared-work.ts';
import type { Stretches } from '../stretches.ts';

type Table = Uint8Array | Uint32Array | Int32Array | Float64Array;
type TableConstructor = new (buffer: SharedArrayBuffer) => Table;
/** Tables that are made from a file: typed arrays by name. */
export type Tables = Readonly<Record<string, Table>>;

export interface IndexFile {
  readonly path: string;
  /** The whole file; not to be written to. */
  readonly data: Buffer;
  /** Inode, size and times: another file under the same path has another. */
  readonly identity: string;
  /**
   * Tables made from this file, kept as long as it is. `make` is called where there are none yet; what it throws goes
   * through.
   */
  derive<T extends Tables>(name: string, make: () => Stretches<T>): Stretches<T>;
}

/** Tables with the tick at which they were made: of two, the earlier ones are kept. */
export interface Derived {
  readonly serial: bigint;
  readonly tables: Tables;
}

/** What makes up a copy; it crosses threads as it is, and its memory is then shared. */
export interface CopyParts {
  readonly path: string;
  readonly identity: string;
  /** The tick at which it was read: of two copies of a file, the earlier one is kept. */
  readonly serial: bigint;
  /** {@link HEADER_BYTES}, where the tick of its last use stands, then the file. */
  readonly memory: ArrayBufferLike;
  readonly derived: ReadonlyMap<string, Derived>;
}

/** What looks after copies: it is told before tables are made and when there are new ones. */
export interface CopyOwner {
  readonly shared: boolean;
  tick(): bigint;
  /** Takes in what other workers have made meanwhile. */
  receive(): void;
  grown(copy: IndexCopy, bytes: number): void;
}

/** A whole cache line, so that what follows is aligned for any table. */
const HEADER_BYTES = 64;
/** Bytes that are read or copied in one stretch: some 0.3 ms. */
const SLICE_BYTES = 2 ** 20;

export class IndexCopy implements IndexFile {
  readonly path: string;
  readonly identity: string;
  readonly serial: bigint;
  readonly data: Buffer;
  readonly #memory: ArrayBufferLike;
  readonly #lastUse: BigInt64Array;
  readonly #derived: Map<string, Derived>;
  readonly #owner: CopyOwner;
  readonly #making = new SharedWork<Tables>();

  constructor(parts: CopyParts, owner: CopyOwner) {
    this.path = parts.path;
    this.identity = parts.identity;
    this.serial = parts.serial;
    this.data = Buffer.from(parts.memory, HEADER_BYTES);
    this.#memory = parts.memory;
    this.#lastUse = new BigInt64Array(parts.memory, 0, 1);
    this.#derived = new Map(parts.derived);
    this.#owner = owner;
  }

  /**
   * Reads `size` bytes of an open file.
   * @throws the system's error, or one that says that the file has become shorter
   */
  static *read(
    fd: number,
    size: number,
    name: { path: string; identity: string },
    owner: CopyOwner,
  ): Stretches<IndexCopy> {
    const memory = allocate(HEADER_BYTES + size, owner.shared);
    yield* readFile(fd, Buffer.from(memory, HEADER_BYTES), name.path);
    return new IndexCopy({ ...name, serial: owner.tick(), memory, derived: new Map() }, owner);
  }

  get parts(): CopyParts {
    const { path, identity, serial } = this;
    return { path, identity, serial, memory: this.#memory, derived: this.#derived };
  }

  /** Bytes held, tables included. */
  get bytes(): number {
    let sum = this.#memory.byteLength;
    for (const { tables } of this.#derived.values()) sum += bytesOf(tables);
    return sum;
  }

  /** The tick of the last use in any worker. */
  get lastUse(): bigint {
    return Atomics.load(this.#lastUse, 0);
  }

  set lastUse(tick: bigint) {
    Atomics.store(this.#lastUse, 0, tick);
  }

  *derive<T extends Tables>(name: string, make: () => Stretches<T>): Stretches<T> {
    const known = this.#known<T>(name);
    if (known) return known;
    // What is made under one name is always of one kind.
    return (yield* this.#making.do(name, () => this.#make(name, make))) as T;
  }

  /** Takes over tables of another copy of the same file; returns by how many bytes this one grew. */
  adopt(derived: ReadonlyMap<string, Derived>): number {
    const before = this.bytes;
    for (const [name, theirs] of derived) {
      const ours = this.#derived.get(name);
      if (!ours || theirs.serial < ours.serial) this.#derived.set(name, theirs);
    }
    return this.bytes - before;
  }

  *#make<T extends Tables>(name: string, make: () => Stretches<T>): Stretches<T> {
    const made = yield* make();
    const tables = this.#owner.shared ? yield* inSharedMemory(made) : made;
    // Another worker may have been faster.
    const meanwhile = this.#known<T>(name);
    if (meanwhile) return meanwhile;
    this.#derived.set(name, { serial: this.#owner.tick(), tables });
    this.#owner.grown(this, bytesOf(tables));
    return tables;
  }

  #known<T extends Tables>(name: string): T | undefined {
    this.#owner.receive();
    return this.#derived.get(name)?.tables as T | undefined;
  }
}

function allocate(bytes: number, shared: boolean): ArrayBufferLike {
  return shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
}

function bytesOf(tables: Tables): number {
  let sum = 0;
  for (const table of Object.values(tables)) sum += table.byteLength;
  return sum;
}

/** Fills `into` from the start of an open file; throws as {@link IndexCopy.read}. */
export function* readFile(fd: number, into: Uint8Array, name: string): Stretches<void> {
  for (let at = 0; at < into.length; ) {
    if (at > 0) yield;
    const got = fs.readSync(fd, into, at, Math.min(SLICE_BYTES, into.length - at), at);
    if (got === 0) throw new Error(`${path.basename(name)} became shorter while it was read`);
    at += got;
  }
}

/** The tables as they are where they lie in shared memory already, else copies that do. */
function* inSharedMemory<T extends Tables>(tables: T): Stretches<T> {
  const shared: Record<string, Table> = {};
  for (const [name, table] of Object.entries(tables)) {
    shared[name] = table.buffer instanceof SharedArrayBuffer ? table : yield* sharedCopy(table);
  }
  return shared as T;
}

function* sharedCopy(table: Table): Stretches<Table> {
  const Type = Buffer.isBuffer(table) ? Uint8Array : (table.constructor as TableConstructor);
  const copy = new Type(new SharedArrayBuffer(table.byteLength));
  const step = SLICE_BYTES / table.BYTES_PER_ELEMENT;
  for (let at = 0; at < table.length; at += step) {
    if (at > 0) yield;
    copy.set(table.subarray(at, at + step), at);
  }
  return copy;
}
