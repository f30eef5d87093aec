/** Partial clones: repositories that lack objects which a remote has promised to give. */
import type { GitConfig } from './config.ts';

/** The names of the remotes that have promised objects, in git's order; none in a repository that is to have them all. */
export function promisorRemotes(config: GitConfig): string[] {
  const names = new Set<string>();
  for (const key of config.names('remote')) {
    const [, name, variable] = /^(.*)\.(promisor|partialclonefilter)$/s.exec(key) ?? [];
    if (name === undefined || name.startsWith('/')) continue;
    if (variable === 'partialclonefilter' || config.boolean(`remote.${key}`, false)) names.add(name);
  }
  const last = config.get('extensions.partialclone');
  if (last !== undefined) {
    names.delete(last);
    names.add(last);
  }
  return [...names];
}
