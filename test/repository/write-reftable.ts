/** Reftables written by hand, in all the shapes that the format allows. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

/** No value deletes the ref; a target makes it symbolic. Names are byte strings. */
export interface WrittenRef {
  readonly name: string;
  readonly oid?: string | undefined;
  readonly peeled?: string | undefined;
  readonly target?: string | undefined;
}

export interface TableShape {
  readonly hash: 'sha1' | 's256';
  readonly version: 1 | 2;
  /** Bytes that a block should not exceed. */
  readonly blockSize: number;
  /** Whether blocks begin at multiples of that, and if not, whether the header says so. */
  readonly alignment: 'aligned' | 'none' | 'none, unsaid';
  /** Records from one restart to the next. */
  readonly interval: number;
  /** `one` block of any length, as JGit writes it, or as many levels as it takes. */
  readonly index: 'none' | 'one' | 'levels';
  /** Whether there are blocks of objects and of logs behind those of refs. */
  readonly objects: boolean;
  readonly logs: boolean;
}

export const PLAIN: TableShape = {
  hash: 'sha1',
  version: 1,
  blockSize: 4096,
  alignment: 'aligned',
  interval: 16,
  index: 'none',
  objects: false,
  logs: false,
};

/** A table, and which of its bytes are letters of names, ids and numbers of updates, which no structure gives away. */
export interface WrittenTable {
  readonly data: Buffer;
  readonly content: ReadonlySet<number>;
}

interface Row {
  readonly key: Buffer;
  readonly type: number;
  readonly value: Buffer;
  /** Bytes at the beginning of the value that are structure. */
  readonly fixed: number;
}

export function writeReftable(refs: readonly WrittenRef[], shape: TableShape): WrittenTable {
  return new TableWriter(shape).write(refs);
}

/** Makes `<directory>/reftable` a stack of these tables, the oldest first. */
export function writeStack(directory: string, tables: readonly Buffer[]): string {
  const stack = path.join(directory, 'reftable');
  fs.mkdirSync(stack, { recursive: true });
  const names = tables.map((_, i) => `0x${`${i + 1}`.padStart(12, '0')}.ref`);
  for (const [i, table] of tables.entries()) fs.writeFileSync(path.join(stack, names[i]), table);
  fs.writeFileSync(path.join(stack, 'tables.list'), names.map((name) => `${name}\n`).join(''));
  return stack;
}

class TableWriter {
  readonly #shape: TableShape;
  readonly #parts: Buffer[] = [];
  readonly #content = new Set<number>();
  #length = 0;

  constructor(shape: TableShape) {
    this.#shape = shape;
  }

  write(refs: readonly WrittenRef[]): WrittenTable {
    const { hash, version, blockSize, alignment, objects, logs } = this.#shape;
    const head: Buffer[] = [Buffer.from('REFT'), number(version, 1)];
    head.push(number(alignment === 'none' ? 0 : blockSize, 3), number(1, 8), number(9, 8));
    if (version === 2) head.push(Buffer.from(hash));
    const header = Buffer.concat(head);
    const sorted = refs.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    let level = this.#writeBlocks('r', sorted.map(toRow), header);
    let index = 0;
    while (this.#shape.index !== 'none' && level.length > 1) {
      this.#pad();
      index = this.#length;
      level = this.#writeBlocks('i', level.map(toIndexRow), Buffer.alloc(0));
      if (this.#shape.index === 'one') break;
    }
    if (this.#length === 0) this.#add(header);
    let objectsAt = 0;
    if (objects && refs.length > 0) {
      this.#pad();
      objectsAt = this.#length;
      const value = Buffer.concat([varint(1), varint(0)]);
      this.#writeBlocks('o', [{ key: Buffer.from('ab'), type: 1, value, fixed: 2 }], Buffer.alloc(0));
    }
    const logsAt = logs ? this.#length : 0;
    if (logs) {
      const body = Buffer.from('a log that no one reads');
      this.#add(Buffer.concat([Buffer.from('g'), number(body.length + 4, 3), zlib.deflateSync(body)]));
    }
    const positions = [
      index,
      objectsAt * 32 + (objectsAt > 0 ? 2 : 0),
      0,
      logsAt === header.length ? 0 : logsAt,
      0,
    ];
    const footer = Buffer.concat([header, ...positions.map((position) => number(position, 8))]);
    this.#add(footer);
    this.#add(number(zlib.crc32(footer), 4));
    return { data: Buffer.concat(this.#parts), content: this.#content };
  }

  /** Returns the last key of each block, and where it begins. */
  #writeBlocks(type: string, rows: readonly Row[], header: Buffer): { last: Buffer; at: number }[] {
    const { blockSize, interval, index } = this.#shape;
    const most = type === 'i' && index === 'one' ? 2 ** 24 : blockSize;
    const written: { last: Buffer; at: number }[] = [];
    for (let next = 0; next < rows.length; ) {
      if (written.length > 0) this.#pad();
      const start = this.#length;
      const parts = [written.length === 0 ? header : Buffer.alloc(0), Buffer.alloc(4)];
      let length = parts[0].length + 4;
      const restarts: number[] = [];
      let previous: Buffer = Buffer.alloc(0);
      for (let i = 0; next < rows.length; i++, next++) {
        const row = rows[next];
        const common = i % interval === 0 ? 0 : commonLength(previous, row.key);
        const suffix = row.key.subarray(common);
        const lengths = Buffer.concat([varint(common), varint(suffix.length * 8 + row.type)]);
        const size = lengths.length + suffix.length + row.value.length;
        const more = (restarts.length + (common === 0 ? 1 : 0)) * 3 + 2;
        if (i > 0 && length + size + more > most) break;
        if (common === 0) restarts.push(length);
        if (type === 'r') {
          // How much of a name is the last one's decides the name, no less than its letters.
          for (let k = 0; k < varint(common).length; k++) this.#content.add(start + length + k);
          const from = start + length + lengths.length;
          for (let k = 0; k < suffix.length; k++) this.#content.add(from + k);
          for (let k = row.fixed; k < row.value.length; k++) this.#content.add(from + suffix.length + k);
          this.#content.add(from + suffix.length);
        }
        parts.push(lengths, suffix, row.value);
        length += size;
        previous = row.key;
      }
      parts.push(...restarts.map((restart) => number(restart, 3)), number(restarts.length, 2));
      length += restarts.length * 3 + 2;
      parts[1] = Buffer.concat([Buffer.from(type), number(length, 3)]);
      this.#add(Buffer.concat(parts));
      written.push({ last: previous, at: start });
    }
    return written;
  }

  #pad(): void {
    const { alignment, blockSize } = this.#shape;
    if (alignment === 'aligned' && this.#length % blockSize > 0)
      this.#add(Buffer.alloc(blockSize - (this.#length % blockSize)));
  }

  #add(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }
}

function toRow({ name, oid, peeled, target }: WrittenRef): Row {
  const key = Buffer.from(name, 'latin1');
  const update = varint(1);
  if (target !== undefined) {
    const bytes = Buffer.from(target, 'latin1');
    const length = varint(bytes.length);
    const value = Buffer.concat([update, length, bytes]);
    return { key, type: 3, value, fixed: update.length + length.length };
  }
  const ids = [oid, peeled].filter((id) => id !== undefined).map((id) => Buffer.from(id, 'hex'));
  return { key, type: ids.length, value: Buffer.concat([update, ...ids]), fixed: update.length };
}

function toIndexRow({ last, at }: { last: Buffer; at: number }): Row {
  return { key: last, type: 0, value: varint(at), fixed: 0 };
}

function commonLength(a: Buffer, b: Buffer): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

function number(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) buffer.writeBigUInt64BE(BigInt(value));
  else buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/** As the distance in an OFS_DELTA. */
function varint(value: number): Buffer {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest--;
    bytes.unshift(128 + (rest % 128));
  }
  return Buffer.from(bytes);
}
