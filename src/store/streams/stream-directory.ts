/** The directory of streams below a cache directory: the names of its files, and what they say of themselves. */
import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { isMissing } from '../../repository/missing-file.ts';
import { readEnds, readHead, type StreamEnds, withFile } from './stored-stream.ts';
import type { StreamHead } from './stream.ts';
import { DamagedStream } from './stream-format.ts';

const NAME = /^([0-9a-f]+)\.stream$/;
const UNFINISHED = /^[0-9a-f]+\.[0-9a-f]+\.tmp$/;
/** Files that are looked at at once: more than threads that do it, so that those need not wait. */
const AT_ONCE = 16;

export class StreamDirectory {
  readonly #path: string;

  /** @param directory the cache directory */
  constructor(directory: string) {
    this.#path = path.join(directory, 'streams');
  }

  async make(): Promise<void> {
    await fs.mkdir(this.#path, { recursive: true, mode: 0o700 });
  }

  /** Where an entry lies. */
  file(key: string): string {
    return path.join(this.#path, `${key}.stream`);
  }

  /** A name of its own for what is being written. */
  unfinished(key: string): string {
    return path.join(this.#path, `${key}.${crypto.randomBytes(8).toString('hex')}.tmp`);
  }

  /**
   * Every file of ours. None where there is no directory.
   * @throws the system's error where that cannot be told
   */
  async list(): Promise<{ entries: string[]; unfinished: string[] }> {
    const names = await fs.readdir(this.#path).catch((error) => {
      if (isMissing(error)) return [];
      throw error;
    });
    const entries = names.flatMap((name) => NAME.exec(name)?.[1] ?? []);
    const unfinished = names.filter((name) => UNFINISHED.test(name));
    return { entries, unfinished: unfinished.map((name) => path.join(this.#path, name)) };
  }

  /** @throws DamagedStream; the system's error */
  async ends(key: string): Promise<StreamEnds> {
    return withFile(this.file(key), (file) => readEnds(file, key));
  }

  /** What a file that need not be whole is to be; undefined where it does not say, or is gone. */
  async headOf(file: string): Promise<StreamHead | undefined> {
    return withFile(file, readHead).catch((error) => {
      if (isMissing(error) || error instanceof DamagedStream) return undefined;
      throw error;
    });
  }
}

/** Does something with each of many, some at once. */
export async function withEach<T>(items: Iterable<T>, use: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const work = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await use(next.value);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
