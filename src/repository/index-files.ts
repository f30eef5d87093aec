/** Index files (`.idx`, `.rev`, `.bitmap`, multi-pack-index, commit-graph, packed-refs), held whole in memory. */
import fs from 'node:fs';
import { isMissing } from './missing-file.ts';

/** Tables that are made from a file: typed arrays by name. */
export type Tables = Readonly<Record<string, Uint8Array | Uint32Array | Int32Array | Float64Array>>;

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

export class IndexFiles {
  readonly #budget: number;
  /** The least recently used first. */
  readonly #files = new Map<string, LoadedFile>();

  /** @param budget bytes held for files that no one has asked for lately */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /**
   * The file at `path`, read again only where it changed; undefined where there is none.
   * @throws the system's error when it cannot be read
   */
  open(path: string): IndexFile | undefined {
    let fd: number;
    try {
      fd = fs.openSync(path, 'r');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    try {
      const stat = fs.fstatSync(fd, { bigint: true });
      const identity = `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
      let file = this.#files.get(path);
      if (file?.identity !== identity) file = new LoadedFile(path, fs.readFileSync(fd), identity);
      this.#files.delete(path);
      this.#files.set(path, file);
      this.#trim();
      return file;
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Bytes held, tables included. */
  get memory(): number {
    let sum = 0;
    for (const file of this.#files.values()) sum += file.memory;
    return sum;
  }

  #trim(): void {
    let memory = this.memory;
    for (const [path, file] of this.#files) {
      if (memory <= this.#budget || this.#files.size === 1) return;
      memory -= file.memory;
      this.#files.delete(path);
    }
  }
}

class LoadedFile implements IndexFile {
  readonly path: string;
  readonly data: Buffer;
  readonly identity: string;
  readonly #tables = new Map<string, Tables>();

  constructor(path: string, data: Buffer, identity: string) {
    this.path = path;
    this.data = data;
    this.identity = identity;
  }

  derive<T extends Tables>(name: string, make: () => T): T {
    const known = this.#tables.get(name) as T | undefined;
    if (known) return known;
    const tables = make();
    this.#tables.set(name, tables);
    return tables;
  }

  get memory(): number {
    let sum = this.data.length;
    for (const tables of this.#tables.values()) {
      for (const table of Object.values(tables)) sum += table.byteLength;
    }
    return sum;
  }
}
