/** Conditions of `includeIf`, as git takes them (its `config.c`). Patterns and paths are byte strings. */
import fs from 'node:fs';
import { repositoryUnsupported } from '../errors.ts';
import { isTooLong, wildmatch } from '../wildmatch.ts';
import { byteString, type Environment } from './config-files.ts';
import { expandHome } from './home-directory.ts';
import { unlessMissing } from './missing-file.ts';

/** What conditions ask for. */
export interface Surroundings {
  /** A real path. */
  readonly gitDirectory: string;
  readonly environment: Environment;
  /** The branch that `HEAD` is on, without `refs/heads/`; undefined when it is on none. */
  branch(): string | undefined;
  /** Whether the URL of any remote matches a pattern. */
  hasRemoteUrl(pattern: string): boolean;
}

/**
 * Whether a condition holds; one that is not known does not.
 * @param file the file in which it stands; undefined when it stands in none
 */
export function conditionHolds(condition: string, file: string | undefined, around: Surroundings): boolean {
  const [, keyword, pattern] = CONDITION.exec(condition) ?? [];
  switch (keyword) {
    case 'gitdir':
      return matchesGitDirectory(pattern, file, around, false);
    case 'gitdir/i':
      return matchesGitDirectory(pattern, file, around, true);
    case 'onbranch': {
      const branch = around.branch();
      return branch !== undefined && matchesCondition(withTail(pattern), branch);
    }
    case 'hasconfig:remote.*.url':
      return around.hasRemoteUrl(pattern);
    default:
      // A repository that is served has no work tree, so that `worktree:` never holds.
      return false;
  }
}

const CONDITION = /^(gitdir(?:\/i)?|onbranch|hasconfig:remote\.\*\.url):(.*)$/s;

function matchesGitDirectory(
  condition: string,
  file: string | undefined,
  { gitDirectory, environment }: Surroundings,
  caseless: boolean,
): boolean {
  let pattern = withRealHome(condition, environment);
  /** What is compared as it is, so that no character of the directory's name is taken for a wildcard. */
  let plain = '';
  if (pattern.startsWith('./')) {
    if (file === undefined) {
      throw repositoryUnsupported('relative config include conditionals must come from files');
    }
    const real = realPath(file);
    plain = real.slice(0, real.lastIndexOf('/') + 1);
    pattern = pattern.slice(2);
  } else if (!pattern.startsWith('/')) pattern = `**/${pattern}`;
  pattern = plain + pattern;
  const tail = withTail(pattern).slice(plain.length);
  const lower = (text: string) => (caseless ? text.replace(/[A-Z]/g, (c) => c.toLowerCase()) : text);
  if (!lower(gitDirectory).startsWith(lower(plain))) return false;
  // `git upload-pack` goes into the directory and calls it `.`, so that `<directory>/` holds for it too.
  return ['', '/.'].some((end) => matchesCondition(tail, gitDirectory.slice(plain.length) + end, caseless));
}

/**
 * As paths are matched.
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` where that could take too long: that the condition does not hold
 *   would be a guess
 */
export function matchesCondition(pattern: string, text: string, caseless = false): boolean {
  if (isTooLong(pattern, text)) throw repositoryUnsupported('the condition of an include is too long');
  return wildmatch(pattern, text, { pathname: true, caseless });
}

/** What ends with a slash stands for all below. */
function withTail(pattern: string): string {
  return pattern.endsWith('/') ? `${pattern}**` : pattern;
}

function withRealHome(condition: string, environment: Environment): string {
  const { HOME } = environment;
  if (!/^~(?:\/|$)/.test(condition) || HOME === undefined)
    return expandHome(condition, environment) ?? condition;
  return realPath(byteString(HOME)) + condition.slice(1);
}

function realPath(path: string): string {
  const bytes = Buffer.from(path, 'latin1');
  return unlessMissing(() => fs.realpathSync.native(bytes, 'latin1'), path);
}
