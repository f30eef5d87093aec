/** The configuration of a repository: its `config` file, and what that includes. */
import fs from 'node:fs';
import path from 'node:path';
import { repositoryUnsupported } from '../errors.ts';
import { type ConfigEntry, GitConfig, parseConfig } from './config.ts';
import { unlessMissing } from './missing-file.ts';

/** git's own limit. */
const MAX_INCLUDES = 10;

/**
 * Includes may hide refs, so one that cannot be read is an error, not nothing.
 * @param allowed decides whether a file (a real path) may be read
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED`
 */
export function readConfig(gitDirectory: string, allowed: (realPath: string) => boolean): GitConfig {
  return new GitConfig(readEntries(path.join(gitDirectory, 'config'), allowed, 0));
}

function readEntries(file: string, allowed: (realPath: string) => boolean, depth: number): ConfigEntry[] {
  // As in git, a file that is not there says nothing.
  const text = unlessMissing(() => fs.readFileSync(file, 'utf8'), '');
  return parseConfig(text, path.basename(file)).flatMap((entry) => {
    if (entry.key.startsWith('includeif.')) {
      throw repositoryUnsupported('conditional includes in the configuration are not read');
    }
    if (entry.key !== 'include.path' || !entry.value) return [entry];
    if (entry.value.startsWith('~')) throw repositoryUnsupported(`include of ${entry.value} is not read`);
    if (depth === MAX_INCLUDES) throw repositoryUnsupported('the configuration includes too deeply');
    const included = path.resolve(path.dirname(file), entry.value);
    if (fs.existsSync(included) && !allowed(fs.realpathSync(included))) {
      throw repositoryUnsupported(
        'the configuration includes a file outside of the directories that are served',
      );
    }
    return readEntries(included, allowed, depth + 1);
  });
}
