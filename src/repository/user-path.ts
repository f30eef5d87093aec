/** `~` at the start of a path, as git takes it where a user types paths: over SSH. */
import fs from 'node:fs';

const ACCOUNTS = '/etc/passwd';

/**
 * The path with `~` or `~user` replaced by that home directory; undefined where there is no such user.
 * @param home that of the user who asks
 */
export function expandUserPath(path: string, home = process.env.HOME): string | undefined {
  if (!path.startsWith('~')) return path;
  const slash = path.indexOf('/');
  const user = slash < 0 ? path.slice(1) : path.slice(1, slash);
  const rest = slash < 0 ? '' : path.slice(slash);
  const directory = user === '' ? home : homeOf(user);
  return directory === undefined ? undefined : directory + rest;
}

function homeOf(user: string): string | undefined {
  const rows = fs.readFileSync(ACCOUNTS, 'utf8').split('\n');
  return rows.map((row) => row.split(':')).find(([name]) => name === user)?.[5];
}
