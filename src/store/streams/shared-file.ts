/** An open file that several read from: it is closed with the last of them. */
import type { FileHandle } from 'node:fs/promises';
import { DamagedStream } from './stream-format.ts';

export class SharedFile {
  readonly #handle: FileHandle;
  #users = 1;

  /** @param handle given over to it; whoever makes it is its first user */
  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** One user more. */
  share(): this {
    this.#users++;
    return this;
  }

  /** Called once by each user. */
  release(): void {
    this.#users--;
    // What was written is gone or known to be there; nothing is to be learnt from closing.
    if (this.#users === 0) this.#handle.close().catch(() => {});
  }

  /** Bytes, and milliseconds since 1970. */
  async stat(): Promise<{ size: number; modified: number }> {
    const { size, mtimeMs } = await this.#handle.stat();
    return { size, modified: mtimeMs };
  }

  /** Sets when it was last modified to now. */
  async touch(): Promise<void> {
    const now = new Date();
    await this.#handle.utimes(now, now);
  }

  /**
   * Exactly so many bytes.
   * @param memory of that length; fresh memory where left out
   * @throws DamagedStream where the file ends before
   */
  async read(position: number, length: number, memory?: ArrayBuffer): Promise<Buffer<ArrayBuffer>> {
    const bytes = memory ? Buffer.from(memory) : Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, position + done);
      if (bytesRead === 0) throw new DamagedStream('it is cut short');
      done += bytesRead;
    }
    return bytes;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done;
      done += (await this.#handle.write(bytes, done, left, position + done)).bytesWritten;
    }
  }
}
