/** Where on disk a forge says that a repository lies (`X-Packhorse-Repository`). */
import path from 'node:path';

/**
 * @param given absolute, or relative to the root
 * @param roots the directory below which repositories are served, in all ways to write it
 * @returns the path below the root; undefined for one that is not there, or that could be read in two ways
 */
export function pathBelow(given: string, roots: readonly string[]): string | undefined {
  const below = path.isAbsolute(given) ? cutRoot(given, roots) : given;
  const plain = below?.replace(/\/$/, '');
  if (plain === undefined || /\p{Cc}/u.test(plain)) return undefined;
  return plain.split('/').some((segment) => ['', '.', '..'].includes(segment)) ? undefined : plain;
}

function cutRoot(given: string, roots: readonly string[]): string | undefined {
  const root = roots
    .map((root) => (root.endsWith('/') ? root : `${root}/`))
    .find((root) => given.startsWith(root));
  return root && given.slice(root.length);
}
