/** Paths that begin with a home directory: `~/x` and `~user/x`. Paths are byte strings. */
import fs from 'node:fs';
import { repositoryUnsupported } from '../errors.ts';
import { byteString, type Environment } from './config-files.ts';
import { unlessMissing } from './missing-file.ts';

const PREFIX = '%(prefix)/';

/**
 * A path with the home directory for its `~`; undefined where that is not known. Any other path stays as it is.
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` for a path below the place where git is installed
 */
export function expandHome(path: string, environment: Environment): string | undefined {
  if (path.startsWith(PREFIX)) throw repositoryUnsupported(`where ${PREFIX} leads is not known without git`);
  if (!path.startsWith('~')) return path;
  const [, user, rest] = /^~([^/]*)(.*)$/s.exec(path)!;
  const home = user === '' ? environment.HOME && byteString(environment.HOME) : homeOf(user);
  return home === undefined ? undefined : home + rest;
}

/** As the system's list of users has it; directory services are not asked. */
function homeOf(user: string): string | undefined {
  const users = unlessMissing(() => fs.readFileSync('/etc/passwd', 'latin1'), '').split('\n');
  return users.map((line) => line.split(':')).find(([name]) => name === user)?.[5];
}
