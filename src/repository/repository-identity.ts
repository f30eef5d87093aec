/** Telling a repository from one that took its place under the same path. */
import fs from 'node:fs';
import { unlessMissing } from './missing-file.ts';

/**
 * What stays the same as long as a directory does, whatever is in it; text.
 * @param directory its real path
 * @throws the system's error
 */
export function repositoryIdentity(directory: string): string {
  return `${directory}\n${identityIn(fs.statSync(directory, { bigint: true }))}`;
}

/** The same without its path; undefined where there is no such directory. */
export function identityOf(directory: string): string | undefined {
  const read = () => fs.statSync(directory, { bigint: true, throwIfNoEntry: false });
  const stat = unlessMissing(read, undefined);
  return stat?.isDirectory() ? identityIn(stat) : undefined;
}

function identityIn({ dev, ino, birthtimeNs }: fs.BigIntStats): string {
  return `${dev} ${ino} ${birthtimeNs}`;
}
