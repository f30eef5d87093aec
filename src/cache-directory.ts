/** Where files of our own go: what can be made again, and may be deleted at any time. */
import os from 'node:os';
import path from 'node:path';

/** `packhorse` below the place that the base directory specification names for such files. */
export function defaultCacheDirectory({ XDG_CACHE_HOME }: NodeJS.ProcessEnv): string {
  // The specification: what is not absolute is to be ignored.
  const base = XDG_CACHE_HOME && path.isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : undefined;
  return path.join(base ?? path.join(os.homedir(), '.cache'), 'packhorse');
}
