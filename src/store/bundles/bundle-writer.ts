/** A bundle's file while it is written: beside its place, under a name that no one asks for. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isMissing } from '../../repository/missing-file.ts';

const ID_LENGTH = 40;

/** How many bytes a file may come to have where so many are needed; throws where there is no room. */
type RoomFor = (file: string, bytes: number) => number;

export class BundleWriter {
  readonly #directory: string;
  readonly #path: string;
  readonly #file: fs.promises.FileHandle;
  readonly #hash = crypto.createHash('sha256');
  readonly #roomFor: RoomFor;
  #bytes = 0;
  #room = 0;

  private constructor(directory: string, name: string, file: fs.promises.FileHandle, roomFor: RoomFor) {
    this.#directory = directory;
    this.#path = name;
    this.#file = file;
    this.#roomFor = roomFor;
  }

  static async create(directory: string, roomFor: RoomFor): Promise<BundleWriter> {
    const name = path.join(directory, `${process.pid}.${crypto.randomBytes(4).toString('hex')}.tmp`);
    const make = async () => {
      await fs.promises.mkdir(directory, { recursive: true, mode: 0o700 });
      return fs.promises.open(name, 'wx', 0o600);
    };
    const file = await make().catch((error) => {
      if (!isMissing(error)) throw error;
      return make(); // another thread removed the directory meanwhile, as nothing was in it
    });
    return new BundleWriter(directory, name, file, roomFor);
  }

  /** @throws PackhorseError where there is no room for it; the system's error */
  async write(bytes: Uint8Array): Promise<void> {
    const needed = this.#bytes + bytes.length;
    if (needed > this.#room) this.#room = this.#roomFor(this.#path, needed);
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at);
      at += bytesWritten;
    }
    this.#bytes += bytes.length;
  }

  /** Puts the file in its place. */
  async finish(): Promise<{ readonly id: string; readonly bytes: number }> {
    await this.#file.sync();
    await this.#file.close();
    const id = idOf(this.#hash);
    await fs.promises.rename(this.#path, path.join(this.#directory, fileName(id)));
    return { id, bytes: this.#bytes };
  }

  /** Removes what was written, where it was not finished. */
  async abort(): Promise<void> {
    await this.#file.close();
    await fs.promises.rm(this.#path, { force: true });
  }
}

export function fileName(id: string): string {
  return `${id}.bundle`;
}

export function idOf(hash: crypto.Hash): string {
  return hash.digest('hex').slice(0, ID_LENGTH);
}
