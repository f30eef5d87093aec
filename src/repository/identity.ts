/** Which repository it is that lies at a path: another one may come to lie there. */
import fs from 'node:fs';
import { unlessMissing } from './missing-file.ts';

/** Inode and birth time of a git directory; undefined where there is none. */
export function identityOf(gitDirectory: string): string | undefined {
  const read = () => fs.statSync(gitDirectory, { bigint: true, throwIfNoEntry: false });
  const stat = unlessMissing(read, undefined);
  return stat?.isDirectory() ? `${stat.ino}:${stat.birthtimeNs}` : undefined;
}
