/** The file of a stream as it comes from elsewhere. It gets its name when all of it is there and was checked. */
import fs from 'node:fs/promises';
import { asPackhorseError, cancelled } from '../../errors.ts';
import { SharedFile } from './shared-file.ts';
import { StoredStream } from './stored-stream.ts';
import type { StreamHead } from './stream.ts';
import type { StreamKeeper, UnfinishedStream } from './unfinished-stream.ts';

export class IncomingStream implements UnfinishedStream {
  readonly path: string;
  readonly key: string;
  readonly #keeper: StreamKeeper;
  readonly #file: SharedFile;
  #length = 0;
  #ending: Promise<void> | undefined;
  #error: Error | undefined;

  private constructor(path: string, key: string, file: SharedFile, keeper: StreamKeeper) {
    this.path = path;
    this.key = key;
    this.#file = file;
    this.#keeper = keeper;
  }

  /** @throws the system's error where the file cannot be made */
  static async create(path: string, key: string, keeper: StreamKeeper): Promise<IncomingStream> {
    return new IncomingStream(path, key, new SharedFile(await fs.open(path, 'wx', 0o600)), keeper);
  }

  /** Whether there is room for a file of so many bytes; it is held for this one from then on. */
  expect(bytes: number): boolean {
    return !this.#ending && this.#keeper.makeRoom(this, bytes);
  }

  /**
   * The next bytes of the file, no more in all than were expected. One call at a time.
   * @throws PackhorseError where the disk fails, or it was aborted
   */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#error) throw this.#error;
    try {
      await this.#file.write(bytes, this.#length);
      this.#length += bytes.length;
    } catch (error) {
      this.#keeper.onFault(error as Error);
      throw asPackhorseError(error);
    }
  }

  /**
   * The entry is there for others from when it resolves, unless it could not be kept.
   * @throws DamagedStream where it is not whole, or is another's; PackhorseError where the disk fails
   */
  finish(): Promise<void> {
    this.#ending ??= this.#finish();
    return this.#ending;
  }

  /** Nothing, where it was finished before. */
  abort(error: Error = cancelled()): Promise<void> {
    this.#error = error;
    this.#ending ??= this.#end();
    return this.#ending.catch(() => {});
  }

  async #finish(): Promise<void> {
    try {
      const head = await this.#check();
      // It is as good as new: how long it has lain elsewhere says nothing.
      await this.#keeper.keep(this, { ...head, created: Date.now() }, this.#length);
    } finally {
      await this.#end();
    }
  }

  async #check(): Promise<StreamHead> {
    const stream = await StoredStream.open(this.path, this.key);
    try {
      for (let index = 0; await stream.block(index); index++) if (this.#error) throw this.#error;
      return stream.ends.head;
    } finally {
      stream.close();
    }
  }

  async #end(): Promise<void> {
    await this.#keeper.ended(this);
    this.#file.release();
  }
}
