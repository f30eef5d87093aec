/** What a repository's configuration says of making packs (protocol section 4.4). */
import { repositoryUnsupported } from '../errors.ts';
import type { DeltaSearchOptions } from '../pack/delta-search.ts';
import type { GitConfig } from '../repository/config.ts';

/** git's own limit of `pack.depth`. */
const MOST_DEPTH = 4095;
const MIB = 2 ** 20;

export interface PackSettings extends DeltaSearchOptions {
  /** Bytes of content of the largest object that is read whole and gets new deltas: `core.bigFileThreshold`. */
  readonly largest: number;
  /** Whether entries that lie side by side are copied together: `pack.allowPackReuse`. */
  readonly runs: boolean;
}

/** @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` when a value makes no sense */
export function readPackSettings(config: GitConfig): PackSettings {
  const zlibLevel = readLevel(config, 'core.compression', -1, 'zlib');
  return {
    window: config.integer('pack.window', 10),
    depth: Math.min(MOST_DEPTH, config.integer('pack.depth', 50)),
    windowMemory: config.size('pack.windowmemory', 0) || undefined,
    cacheSize: Math.max(0, config.integer('pack.deltacachesize', 0)) || undefined,
    level: readLevel(config, 'pack.compression', zlibLevel, 'pack'),
    largest: config.size('core.bigfilethreshold', 512 * MIB),
    // Runs from several packs cost nothing that runs from one do not.
    runs: config.booleanOr('pack.allowPackReuse', ['single', 'multi'], true) !== false,
  };
}

function readLevel(config: GitConfig, key: string, fallback: number, what: string): number {
  const level = config.integer(key, fallback);
  if (level >= -1 && level <= 9) return level;
  throw repositoryUnsupported(`bad ${what} compression level ${level}`);
}
