/** Finding a repository: the directories that make one (protocol sections 2.7 and 6.14). */
import fs from 'node:fs';
import path from 'node:path';
import { type AllowDirectory, allowAll, isDirectory, realPath, staysInside } from './allow-directory.ts';
import { OBJECT_PARTS } from './alternates.ts';

/** Real paths. The two differ in a linked worktree alone. */
export interface GitDirectories {
  /** Where `HEAD` is, and the refs of one worktree: `refs/bisect/`, `refs/rewritten/` and `refs/worktree/`. */
  readonly gitDirectory: string;
  /** Where all else is: objects, the other refs, `packed-refs`, `config`, `shallow`. */
  readonly commonDirectory: string;
}

export interface FindOptions {
  /** Whether only the directory itself is meant. Else `x` finds `x/.git`, `x`, `x.git/.git` and `x.git`, as in git. */
  readonly strict?: boolean | undefined;
  /** Decides whether a real path may be read: of the directories, of what they are linked to. All may by default. */
  readonly allowed?: AllowDirectory | undefined;
  /** Where the objects are instead (git's `GIT_OBJECT_DIRECTORY`); what is relative starts at the git directory. */
  readonly objectDirectory?: string | undefined;
}

const SUFFIXES = ['/.git', '', '.git/.git', '.git'];

/** git's limit, in bytes. */
const MOST_GITFILE = 2 ** 20;

/** What may be a link: of a worktree's own directory, and of the one that worktrees have in common. */
const REFTABLE_PARTS = ['reftable', 'reftable/tables.list'];
const WORKTREE_PARTS = [
  'commondir',
  'refs',
  'refs/bisect',
  'refs/rewritten',
  'refs/worktree',
  ...REFTABLE_PARTS,
];
const COMMON_PARTS = [
  'refs',
  'packed-refs',
  ...REFTABLE_PARTS,
  'config',
  'shallow',
  'objects',
  ...OBJECT_PARTS.map((part) => `objects/${part}`),
];

/**
 * The repository at `directory`, which may also be a file that says where it is (`gitdir: <path>`).
 * @returns undefined where there is none, or one that may not be read
 */
export function findGitDirectory(directory: string, options: FindOptions = {}): GitDirectories | undefined {
  const { strict = false, allowed = allowAll } = options;
  for (const suffix of strict ? [''] : SUFFIXES) {
    const place = directory + suffix;
    const real = realPath(place);
    if (!real || !allowed(real)) continue;
    const stat = fs.statSync(real, { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      const found = directoriesAt(real, options);
      if (found) return found;
    } else if (stat?.isFile()) {
      // Good or bad, a file ends the search, as in git.
      const target = readPath(real, /^gitdir: (.+)$/s);
      const git = target && realPath(path.isAbsolute(target) ? target : `${path.dirname(place)}/${target}`);
      return git ? directoriesAt(git, options) : undefined;
    }
  }
  return undefined;
}

/** Where the repository's own objects are. */
export function ownObjects(
  { gitDirectory, commonDirectory }: GitDirectories,
  { objectDirectory }: FindOptions,
): string {
  if (objectDirectory === undefined) return path.join(commonDirectory, 'objects');
  return path.resolve(gitDirectory, objectDirectory);
}

/**
 * The directories of the refs, where they are kept apart from the rest.
 * @param place of those that worktrees have in common, relative to the common directory
 * @returns undefined where there is nothing, or nothing that may be read
 */
export function refDirectories(
  { gitDirectory, commonDirectory }: GitDirectories,
  place: string,
  allowed: AllowDirectory,
): GitDirectories | undefined {
  const common = realPath(path.resolve(commonDirectory, place));
  if (!common || !allowed(common) || !staysInside(common, COMMON_PARTS, allowed)) return undefined;
  if (gitDirectory === commonDirectory) return { gitDirectory: common, commonDirectory: common };
  const own = realPath(path.join(common, 'worktrees', path.basename(gitDirectory)));
  if (!own || !allowed(own) || !staysInside(own, WORKTREE_PARTS, allowed)) return undefined;
  return { gitDirectory: own, commonDirectory: common };
}

/** The directories of the repository whose git directory is at a real path; undefined where there is none. */
function directoriesAt(gitDirectory: string, options: FindOptions): GitDirectories | undefined {
  const { allowed = allowAll, objectDirectory } = options;
  if (!allowed(gitDirectory) || !hasHead(gitDirectory)) return undefined;
  const commonDirectory = findCommon(gitDirectory, allowed);
  if (!commonDirectory || !allowed(commonDirectory)) return undefined;
  if (!staysInside(commonDirectory, COMMON_PARTS, allowed)) return undefined;
  const directories = { gitDirectory, commonDirectory };
  const objects = ownObjects(directories, options);
  if (!isDirectory(objects) || !isDirectory(path.join(commonDirectory, 'refs'))) return undefined;
  const apart = objectDirectory === undefined ? undefined : realPath(objects);
  return apart && !(allowed(apart) && staysInside(apart, OBJECT_PARTS, allowed)) ? undefined : directories;
}

/** HEAD is a symbolic ref below `refs/`, an id, or (of old) a symbolic link. */
function hasHead(gitDirectory: string): boolean {
  const file = path.join(gitDirectory, 'HEAD');
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) return fs.readlinkSync(file).startsWith('refs/');
  if (!stat?.isFile() || stat.size > MOST_GITFILE) return false;
  return /^(?:ref:\s*refs\/|[0-9a-fA-F]{40})/.test(fs.readFileSync(file, 'latin1'));
}

function findCommon(gitDirectory: string, allowed: AllowDirectory): string | undefined {
  const file = path.join(gitDirectory, 'commondir');
  if (!fs.lstatSync(file, { throwIfNoEntry: false })) return gitDirectory;
  if (!staysInside(gitDirectory, WORKTREE_PARTS, allowed)) return undefined;
  const target = readPath(file, /^(.+)$/s);
  return target && realPath(path.isAbsolute(target) ? target : `${gitDirectory}/${target}`);
}

/** The path that a file holds, less what ends its line. */
function readPath(file: string, form: RegExp): string | undefined {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > MOST_GITFILE) return undefined;
  const text = fs.readFileSync(file, 'utf8');
  let end = text.length;
  while (text[end - 1] === '\n' || text[end - 1] === '\r') end--;
  // For git a zero byte ends the path.
  return form.exec(text.slice(0, end))?.[1].split('\0')[0];
}
