/** An index file in memory, as one worker read it and all of them may hold it, with the tables made from it. */
import fs from 'node:fs';
import path from 'node:path';

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
  derive<T extends Tables>(name: string, make: () => T): T;
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
/** Bytes of one read: Node takes no more than 2^31 - 1. */
const LONGEST_READ = 2 ** 30;

export class IndexCopy implements IndexFile {
  readonly path: string;
  readonly identity: string;
  readonly serial: bigint;
  readonly data: Buffer;
  readonly #memory: ArrayBufferLike;
  readonly #lastUse: BigInt64Array;
  readonly #derived: Map<string, Derived>;
  readonly #owner: CopyOwner;

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
  static read(
    fd: number,
    size: number,
    name: { path: string; identity: string },
    owner: CopyOwner,
  ): IndexCopy {
    const memory = allocate(HEADER_BYTES + size, owner.shared);
    const data = Buffer.from(memory, HEADER_BYTES);
    for (let at = 0; at < size; ) {
      const got = fs.readSync(fd, data, at, Math.min(LONGEST_READ, size - at), at);
      if (got === 0) throw new Error(`${path.basename(name.path)} became shorter while it was read`);
      at += got;
    }
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

  derive<T extends Tables>(name: string, make: () => T): T {
    const known = this.#known<T>(name);
    if (known) return known;
    const made = make();
    // Another worker may have been faster.
    const meanwhile = this.#known<T>(name);
    if (meanwhile) return meanwhile;
    const tables = this.#owner.shared ? inSharedMemory(made) : made;
    this.#derived.set(name, { serial: this.#owner.tick(), tables });
    this.#owner.grown(this, bytesOf(tables));
    return tables;
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

/** The tables as they are where they lie in shared memory already, else copies that do. */
function inSharedMemory<T extends Tables>(tables: T): T {
  const entries = Object.entries(tables).map(([name, table]) => {
    if (table.buffer instanceof SharedArrayBuffer) return [name, table];
    const Type = Buffer.isBuffer(table) ? Uint8Array : (table.constructor as TableConstructor);
    const copy = new Type(new SharedArrayBuffer(table.byteLength));
    copy.set(table);
    return [name, copy];
  });
  return Object.fromEntries(entries) as T;
}
