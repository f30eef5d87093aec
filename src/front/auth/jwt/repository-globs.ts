/** The claim `repositories`: which repositories a token is for, as globs over their names. */
import { isTooLong, wildmatch } from '../../../wildmatch.ts';

/**
 * Whether one of the globs matches a repository. `*` and `?` match no slash, `**` between slashes does. As `x`, `x.git`
 * and `x/.git` may all find one repository, these endings count neither in names nor in globs. Names that lead into a
 * repository match nothing.
 */
export function isCovered(repository: string, globs: readonly string[]): boolean {
  const name = bytesOf(withoutEnding(repository));
  if (name.split('/').some((segment) => segment === '' || /\.git$/i.test(segment))) return false;
  return globs.some((glob) => {
    const pattern = bytesOf(withoutEnding(glob.replace(/^\//, '')));
    return !isTooLong(pattern, name) && wildmatch(pattern, name, { pathname: true });
  });
}

/** The claim as it must be; undefined where it is not. */
export function globsOf(claim: unknown): readonly string[] | undefined {
  return Array.isArray(claim) && claim.every((glob) => typeof glob === 'string') ? claim : undefined;
}

function withoutEnding(name: string): string {
  return name.replace(/\/\.git$/, '').replace(/\.git$/, '');
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}
