/** Where the entries of a repository are kept, for those who look after the cache directory. */
import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { isMissing } from '../../repository/missing-file.ts';
import { isSegment, REPOSITORY_FILE } from './segment-name.ts';

export interface SegmentFile {
  readonly directory: string;
  readonly name: string;
  readonly bytes: number;
}

/** What is kept of one repository, or was kept of one that had its path before. */
export interface KeptOf {
  /** The real path of its git directory. */
  readonly repository: string;
  readonly bytes: number;
}

/** @param cache the cache directory */
export function entriesDirectory(cache: string): string {
  return path.join(cache, 'entries');
}

/** What the names of a repository's directories begin with. */
export function repositoryPrefix(repository: string): string {
  return crypto.createHash('sha256').update(repository).digest('hex').slice(0, 32);
}

/** All segments. What vanishes meanwhile is left out. @throws the system's error */
export async function findSegments(entries: string): Promise<SegmentFile[]> {
  const segments: SegmentFile[] = [];
  for (const each of await namesIn(entries)) {
    const directory = path.join(entries, each);
    for (const name of (await namesIn(directory)).filter(isSegment)) {
      const stat = await unlessMissing(fs.stat(path.join(directory, name)));
      if (stat) segments.push({ directory, name, bytes: stat.size });
    }
  }
  return segments;
}

/** Removes a directory that has no segments (any more). @throws the system's error */
export async function removeEmpty(directory: string): Promise<void> {
  if ((await namesIn(directory)).some(isSegment)) return;
  await unlessMissing(fs.rm(path.join(directory, REPOSITORY_FILE)));
  await fs.rmdir(directory).catch((error) => {
    // A segment was begun meanwhile.
    if (!isMissing(error) && error.code !== 'ENOTEMPTY') throw error;
  });
}

/**
 * What is kept, by repository.
 * @param cache the cache directory
 */
export async function listEntries(cache: string): Promise<KeptOf[]> {
  const bytes = new Map<string, number>();
  for (const segment of await findSegments(entriesDirectory(cache))) {
    const text = await unlessMissing(fs.readFile(path.join(segment.directory, REPOSITORY_FILE), 'utf8'));
    const repository = text?.replace(/\n$/, '') ?? '';
    bytes.set(repository, (bytes.get(repository) ?? 0) + segment.bytes);
  }
  return [...bytes].map(([repository, bytes]) => ({ repository, bytes }));
}

/**
 * Removes what is kept of a repository; threads that serve it notice with their next pack.
 * @param cache the cache directory
 * @param repository the real path of its git directory, which need not be there any more; undefined: of all
 * @returns bytes removed
 */
export async function purgeEntries(cache: string, repository?: string): Promise<number> {
  const entries = entriesDirectory(cache);
  const prefix = repository === undefined ? '' : `${repositoryPrefix(repository)}-`;
  let removed = 0;
  for (const { directory, name, bytes } of await findSegments(entries)) {
    if (!path.basename(directory).startsWith(prefix)) continue;
    await fs.rm(path.join(directory, name), { force: true });
    removed += bytes;
    await removeEmpty(directory);
  }
  return removed;
}

async function namesIn(directory: string): Promise<string[]> {
  return (await unlessMissing(fs.readdir(directory))) ?? [];
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return undefined;
  }
}
