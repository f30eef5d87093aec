/** Content too large for memory, put into a file without a name while it is needed. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RandomAccess } from './apply-delta-stream.ts';
import { readFully } from './windows.ts';

/** Read ahead for a run of small copies. */
const READ_AHEAD = 64 * 1024;

export class Spool implements RandomAccess {
  readonly #fd: number;
  #size = 0;
  #ahead = Buffer.alloc(0);
  #aheadAt = 0;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Takes all of `content`. Close the spool when done with it.
   * @throws the system's error when the directory for temporary files does not take it
   */
  static async from(content: AsyncIterable<Buffer>): Promise<Spool> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'packhorse-'));
    const file = path.join(directory, 'spool');
    const spool = new Spool(fs.openSync(file, 'wx+', 0o600));
    try {
      fs.rmSync(directory, { recursive: true });
      for await (const piece of content) {
        for (let from = 0; from < piece.length; ) {
          from += fs.writeSync(spool.#fd, piece, from, piece.length - from, spool.#size + from);
        }
        spool.#size += piece.length;
      }
      return spool;
    } catch (error) {
      spool.close();
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }

  read(offset: number, length: number): Buffer {
    const inside = offset - this.#aheadAt;
    if (inside >= 0 && inside + length <= this.#ahead.length)
      return this.#ahead.subarray(inside, inside + length);
    this.#ahead = Buffer.allocUnsafeSlow(Math.min(this.#size - offset, Math.max(length, READ_AHEAD)));
    this.#aheadAt = offset;
    readFully(this.#fd, this.#ahead, offset);
    return this.#ahead.subarray(0, length);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
