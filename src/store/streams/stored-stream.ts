/** A stream that lies in a file, whole. Its ends are checked when it is opened, its blocks when they are read. */
import fs from 'node:fs/promises';
import zlib from 'node:zlib';
import { SharedFile } from './shared-file.ts';
import type { StreamHead, StreamTail } from './stream.ts';
import {
  BLOCK,
  blocksOf,
  checkBlock,
  DamagedStream,
  decodeEnd,
  decodeHead,
  decodeTail,
  END_BYTES,
  HEAD_FRAME,
  headChecksum,
  headLength,
} from './stream-format.ts';

/** Read at once from the beginning: most heads lie within. */
const FIRST_READ = 4096;
/** Read at once from the end: most tails lie within, and the checksums of a stream of 500 MB. */
const LAST_READ = 16_384;

/** Blocks to be read into again: fresh memory for each costs as much as reading and checking it. */
const spare: ArrayBuffer[] = [];
const MOST_SPARE = 32;

/** Takes back the memory of a block that no one uses any more. Of less than a whole block nothing is taken. */
export function freeBlock({ buffer, byteLength }: Uint8Array<ArrayBuffer>): void {
  const isWhole = byteLength === BLOCK && buffer.byteLength === BLOCK;
  if (isWhole && spare.length < MOST_SPARE) spare.push(buffer);
}

/** Both ends of a file, checked. */
export interface StreamEnds {
  readonly head: StreamHead;
  readonly tail: StreamTail;
  /** Where the stream begins in the file, and its length; bytes. */
  readonly start: number;
  readonly length: number;
  readonly tableChecksum: number;
  /** Bytes of the whole file. */
  readonly fileSize: number;
  /** When it was found last, or else made; milliseconds since 1970. */
  readonly lastUse: number;
}

/**
 * @param key what it goes by
 * @throws DamagedStream; the system's error where the file cannot be read
 */
export async function readEnds(file: SharedFile, key: string): Promise<StreamEnds> {
  return (await readAround(file, key)).ends;
}

/** The ends, and the last bytes of the file. */
async function readAround(file: SharedFile, key: string): Promise<{ ends: StreamEnds; last: Buffer }> {
  const { size: fileSize, modified } = await file.stat();
  if (fileSize < HEAD_FRAME + END_BYTES) throw new DamagedStream('it is cut short');
  const most = Math.min(LAST_READ, fileSize);
  const [headBytes, last] = await Promise.all([
    readHeadBytes(file, Math.min(FIRST_READ, fileSize)),
    file.read(fileSize - most, most),
  ]);
  const end = decodeEnd(last.subarray(-END_BYTES));
  const tableLength = 4 * blocksOf(end.streamLength);
  const around = headBytes.length + tableLength + end.tailLength + END_BYTES;
  if (around + end.streamLength !== fileSize) throw new DamagedStream('its length is not what its end says');
  const tailLength = end.tailLength + END_BYTES;
  const tailBytes =
    tailLength <= last.length
      ? last.subarray(-tailLength)
      : await file.read(fileSize - tailLength, tailLength);
  const tail = decodeTail(tailBytes, end);
  const head = decodeHead(headBytes);
  if (headChecksum(headBytes) !== end.headChecksum) throw new DamagedStream('its head is of another');
  if (head.key !== key) throw new DamagedStream('it has the name of another');
  const { streamLength: length, tableChecksum } = end;
  const ends = { head, tail, start: headBytes.length, length, tableChecksum, fileSize, lastUse: modified };
  return { ends, last };
}

/** The checksums of the blocks, unchecked. */
function readTable(file: SharedFile, ends: StreamEnds, last: Buffer): Buffer | Promise<Buffer> {
  const from = ends.start + ends.length;
  const length = 4 * blocksOf(ends.length);
  const at = from - (ends.fileSize - last.length);
  // A copy, as it is kept longer.
  return at >= 0 ? Buffer.from(last.subarray(at, at + length)) : file.read(from, length);
}

/** Of a file that need not be whole. */
export async function readHead(file: SharedFile): Promise<StreamHead> {
  const { size } = await file.stat();
  if (size < HEAD_FRAME) throw new DamagedStream('it is cut short');
  return decodeHead(await readHeadBytes(file, Math.min(FIRST_READ, size)));
}

async function readHeadBytes(file: SharedFile, most: number): Promise<Buffer> {
  const first = await file.read(0, most);
  const length = headLength(first);
  return length <= most ? first.subarray(0, length) : file.read(0, length);
}

/** Gives what `use` gives of an open file. */
export async function withFile<T>(path: string, use: (file: SharedFile) => Promise<T>): Promise<T> {
  const file = new SharedFile(await fs.open(path, 'r'));
  try {
    return await use(file);
  } finally {
    file.release();
  }
}

export class StoredStream {
  readonly ends: StreamEnds;
  readonly #file: SharedFile;
  readonly #table: Buffer;

  private constructor(file: SharedFile, ends: StreamEnds, table: Buffer) {
    this.#file = file;
    this.ends = ends;
    this.#table = table;
  }

  /** @throws DamagedStream; the system's error where the file cannot be opened or read */
  static async open(path: string, key: string): Promise<StoredStream> {
    return withFile(path, async (file) => {
      const { ends, last } = await readAround(file, key);
      const table = await readTable(file, ends, last);
      if (zlib.crc32(table) !== ends.tableChecksum) throw new DamagedStream('its checksums are altered');
      return new StoredStream(file.share(), ends, table);
    });
  }

  /**
   * A block, in memory of its own (see {@link freeBlock}); undefined behind the last.
   * @throws DamagedStream; the system's error
   */
  async block(index: number): Promise<Buffer<ArrayBuffer> | undefined> {
    const { start, length } = this.ends;
    const at = index * BLOCK;
    if (at >= length) return undefined;
    const memory = at + BLOCK <= length ? spare.pop() : undefined;
    const block = await this.#file.read(start + at, Math.min(BLOCK, length - at), memory);
    checkBlock(block, index, this.#table.readUInt32BE(4 * index));
    return block;
  }

  /** Has it known after a restart that it was used now. Whoever reads it need not be able to write. */
  touch(): Promise<void> {
    return this.#file.touch().catch(() => {});
  }

  close(): void {
    this.#file.release();
  }
}
