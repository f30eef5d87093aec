/** Streams of a cache directory as one sees them from outside, whether or not a service uses it. */
import fs from 'node:fs/promises';
import { isMissing } from '../../repository/missing-file.ts';
import type { StreamHead, StreamTail } from './stream.ts';
import { StreamDirectory, withEach } from './stream-directory.ts';
import { DamagedStream } from './stream-format.ts';

export interface ListedStream extends StreamHead {
  /** Of its file. */
  readonly bytes: number;
  /** When it was last given to anyone, or else made; milliseconds since 1970. */
  readonly lastUse: number;
  readonly tail: StreamTail;
}

/**
 * Whole entries, by repository, the latest first.
 * @throws the system's error where one cannot be read
 */
export async function keptStreams(directory: string): Promise<ListedStream[]> {
  const streams = new StreamDirectory(directory);
  const found: ListedStream[] = [];
  await withEach((await streams.list()).entries, async (key) => {
    try {
      const { head, tail, fileSize, lastUse } = await streams.ends(key);
      found.push({ ...head, bytes: fileSize, lastUse, tail });
    } catch (error) {
      // It left meanwhile, or the service will remove it.
      if (!isMissing(error) && !(error instanceof DamagedStream)) throw error;
    }
  });
  return found.sort((a, b) => compare(a.repository, b.repository) || b.created - a.created);
}

/**
 * Heads of all files that say what they are, of unfinished ones too.
 * @throws the system's error where one cannot be read
 */
export async function streamHeads(directory: string): Promise<StreamHead[]> {
  const streams = new StreamDirectory(directory);
  const heads: StreamHead[] = [];
  await withEach(await filesOf(streams), async (file) => {
    const head = await streams.headOf(file);
    if (head) heads.push(head);
  });
  return heads;
}

/**
 * Removes files, of streams that are being written too: a service takes what is gone for what was never kept.
 * @param isMeant asked of each; undefined stands for a file that does not say what it is
 * @returns how many, and their bytes
 * @throws the system's error where one cannot be removed
 */
export async function purgeStreams(
  directory: string,
  isMeant: (head: StreamHead | undefined) => boolean,
): Promise<{ streams: number; bytes: number }> {
  const streams = new StreamDirectory(directory);
  const purged = { streams: 0, bytes: 0 };
  const purge = async (file: string) => {
    if (!isMeant(await streams.headOf(file))) return;
    try {
      const { size } = await fs.stat(file);
      await fs.unlink(file);
      purged.streams++;
      purged.bytes += size;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  };
  await withEach((await streams.list()).unfinished, purge);
  // One of those may have got its name before it could be removed.
  await withEach((await streams.list()).entries, async (key) => purge(streams.file(key)));
  return purged;
}

async function filesOf(streams: StreamDirectory): Promise<string[]> {
  const { entries, unfinished } = await streams.list();
  return [...entries.map((key) => streams.file(key)), ...unfinished];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
