/**
 * A stream that is being written, into a file beside the one that it will be, and read meanwhile. Readers in step with
 * the writer are given what it has in memory: the block that it fills, and the one before. Those further behind read
 * the file.
 *
 * Where the disk does not take a block, or there is no room for it, the stream goes on without: blocks stay in memory
 * until each reader has taken them, and the writer waits for that.
 */
import fs from 'node:fs/promises';
import zlib from 'node:zlib';
import { asPackhorseError, cancelled } from '../../errors.ts';
import { SharedFile } from './shared-file.ts';
import { SourceReader, type StreamSource } from './source-reader.ts';
import type { StreamHead, StreamReader, StreamTail, StreamWriter } from './stream.ts';
import { BLOCK, checkBlock, encodeEnd, encodeHead } from './stream-format.ts';
import type { StreamKeeper, UnfinishedStream } from './unfinished-stream.ts';

export class GrowingStream implements StreamWriter, UnfinishedStream {
  readonly head: StreamHead;
  readonly path: string;
  readonly key: string;
  readonly #keeper: StreamKeeper;
  readonly #file: SharedFile;
  readonly #headBytes: Buffer;
  /** The checksums of the blocks that lie in the file. */
  readonly #table: number[] = [];
  /** Blocks in memory, by number. No byte that was written once is written again. */
  readonly #blocks = new Map<number, Buffer<ArrayBuffer>>();
  readonly #followers = new Set<Follower>();
  readonly tail: Promise<StreamTail>;
  #settle!: { resolve(tail: StreamTail): void; reject(error: Error): void };
  #length = 0;
  #isComplete = false;
  #error: Error | undefined;
  #ending: Promise<void> | undefined;
  /** Whether the file has all of it so far, but for the block that is being filled, and is written on. */
  #isKept = true;
  #waiting: (() => void)[] = [];

  private constructor(path: string, head: StreamHead, bytes: Buffer, file: SharedFile, keeper: StreamKeeper) {
    this.path = path;
    this.head = head;
    this.key = head.key;
    this.#headBytes = bytes;
    this.#file = file;
    this.#keeper = keeper;
    this.tail = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Nobody need wait for it.
    this.tail.catch(() => {});
  }

  /** @throws the system's error where the file cannot be made */
  static async create(path: string, head: StreamHead, keeper: StreamKeeper): Promise<GrowingStream> {
    const bytes = encodeHead(head);
    const file = new SharedFile(await fs.open(path, 'wx+', 0o600));
    try {
      await file.write(bytes, 0);
      return new GrowingStream(path, head, bytes, file, keeper);
    } catch (error) {
      file.release();
      await fs.rm(path, { force: true }).catch(() => {});
      throw error;
    }
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const at = this.#length % BLOCK;
      const part = bytes.subarray(done, done + BLOCK - at);
      this.#openBlock().set(part, at);
      done += part.length;
      this.#length += part.length;
      this.#moved();
      if (this.#length % BLOCK === 0) await this.#putBlock();
      if (!this.#isKept) await this.#allTaken();
      if (this.#error) throw this.#error;
    }
  }

  reader(): StreamReader | undefined {
    if (!this.#isKept) return undefined;
    const follower = new Follower(this);
    this.#followers.add(follower);
    return new SourceReader(follower);
  }

  finish(tail: StreamTail): Promise<void> {
    this.#ending ??= this.#finish(tail);
    return this.#ending;
  }

  /** Nothing, where it was finished before. */
  abort(error: Error): Promise<void> {
    this.#ending ??= this.#abort(error);
    return this.#ending;
  }

  async #finish(tail: StreamTail): Promise<void> {
    this.#isComplete = true;
    this.#settle.resolve(tail);
    this.#moved();
    if (this.#length % BLOCK > 0) await this.#putBlock();
    const end = encodeEnd(this.#headBytes, this.#length, this.#table, tail);
    const at = this.#headBytes.length + this.#length;
    if (await this.#put(end, at)) await this.#keeper.keep(this, this.head, at + end.length);
    await this.#end();
  }

  async #abort(error: Error): Promise<void> {
    this.#error = error;
    this.#settle.reject(error);
    this.#moved();
    await this.#end();
  }

  follow(): this {
    this.#file.share();
    return this;
  }

  /** See {@link StreamSource.next}. */
  async next(follower: Follower): Promise<Uint8Array<ArrayBuffer> | undefined> {
    // Only then is anyone interested.
    if (!this.#isKept) this.#moved();
    for (;;) {
      if (this.#error) throw this.#error;
      if (!this.#followers.has(follower)) throw cancelled();
      if (follower.taken < this.#length) return this.#at(follower.taken);
      if (this.#isComplete) return undefined;
      await this.#change();
    }
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower);
    this.#moved();
    this.#file.release();
  }

  /** What there is of a block, from a position on. */
  async #at(position: number): Promise<Uint8Array<ArrayBuffer>> {
    const index = Math.floor(position / BLOCK);
    const from = position % BLOCK;
    const inMemory = this.#blocks.get(index);
    if (inMemory) return inMemory.subarray(from, this.#length - index * BLOCK);
    try {
      const block = await this.#file.read(this.#headBytes.length + index * BLOCK, BLOCK);
      checkBlock(block, index, this.#table[index]);
      return block.subarray(from);
    } catch (error) {
      this.#fail(error as Error);
      throw asPackhorseError(error);
    }
  }

  /** The block that is being filled. */
  #openBlock(): Buffer<ArrayBuffer> {
    const index = Math.floor(this.#length / BLOCK);
    const block = this.#blocks.get(index) ?? Buffer.allocUnsafeSlow(BLOCK);
    this.#blocks.set(index, block);
    return block;
  }

  /** Puts the block into the file that was filled last. */
  async #putBlock(): Promise<void> {
    const index = Math.ceil(this.#length / BLOCK) - 1;
    const bytes = this.#blocks.get(index)!.subarray(0, this.#length - index * BLOCK);
    if (!(await this.#put(bytes, this.#headBytes.length + index * BLOCK))) return;
    this.#table.push(zlib.crc32(bytes));
    this.#blocks.delete(index - 1);
  }

  /** Whether bytes could be put into the file. */
  async #put(bytes: Uint8Array, position: number): Promise<boolean> {
    if (this.#isKept && !this.#keeper.makeRoom(this, position + bytes.length)) this.#isKept = false;
    if (!this.#isKept) return false;
    try {
      await this.#file.write(bytes, position);
    } catch (error) {
      this.#fail(error as Error);
    }
    return this.#isKept;
  }

  #fail(error: Error): void {
    if (this.#isKept) this.#keeper.onFault(error);
    this.#isKept = false;
  }

  /** Waits until nothing in memory is anyone's but for the block that is being filled. */
  async #allTaken(): Promise<void> {
    while (!this.#error && [...this.#followers].some(({ taken }) => taken < this.#length))
      await this.#change();
    const open = Math.floor(this.#length / BLOCK);
    for (const index of this.#blocks.keys()) if (index < open) this.#blocks.delete(index);
  }

  async #end(): Promise<void> {
    this.#isKept = false;
    await this.#keeper.ended(this);
    this.#file.release();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #moved(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** One of those who read while it is written. */
class Follower implements StreamSource {
  readonly #stream: GrowingStream;
  /** How far it has taken what it was given. */
  taken = 0;

  constructor(stream: GrowingStream) {
    this.#stream = stream.follow();
  }

  get head(): StreamHead {
    return this.#stream.head;
  }

  get tail(): Promise<StreamTail> {
    return this.#stream.tail;
  }

  next(position: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.taken = position;
    return this.#stream.next(this);
  }

  close(): void {
    this.#stream.leave(this);
  }
}
