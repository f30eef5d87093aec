/** Telling a file that is not there from one that cannot be read. */

import fs from 'node:fs';

/** No such file; a file where a directory should be; a name that no file can have. */
const MISSING = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'];

/**
 * Whether a system error says that there is no such file. Any other (no descriptors left, no permission, a disk that
 * fails) says nothing about what is there, and must not be taken for "nothing": a client that prunes would delete its
 * branches.
 */
export function isMissing(error: unknown): boolean {
  return MISSING.includes((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * Whether there is such a file.
 * @throws the system's error when that cannot be told
 */
export function isThere(file: string): boolean {
  return unlessMissing(() => fs.statSync(file, { throwIfNoEntry: false }), undefined) !== undefined;
}

/** What `read` gives, or `otherwise` where there is no such file. */
export function unlessMissing<T, U>(read: () => T, otherwise: U): T | U {
  try {
    return read();
  } catch (error) {
    if (!isMissing(error)) throw error;
    return otherwise;
  }
}
