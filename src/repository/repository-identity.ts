/** Telling a repository from one that took its place under the same path. */
import fs from 'node:fs';

/**
 * What stays the same as long as a directory does, whatever is in it; text.
 * @param directory its real path
 * @throws the system's error
 */
export function repositoryIdentity(directory: string): string {
  const { dev, ino, birthtimeNs } = fs.statSync(directory, { bigint: true });
  return `${directory}\n${dev} ${ino} ${birthtimeNs}`;
}
