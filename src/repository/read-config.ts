/** The configuration of a repository: its `config` file, and what that includes. */
import fs from 'node:fs';
import path from 'node:path';
import { repositoryUnsupported } from '../errors.ts';
import { type ConfigEntry, GitConfig, parseConfig } from './config.ts';
import { unlessMissing } from './missing-file.ts';
import { Stamps } from './stamps.ts';

/** git's own limit. */
const MAX_INCLUDES = 10;

/** Configurations of so many repositories are kept, of so many entries each. */
const MAX_KEPT = 64;
const MAX_ENTRIES = 1000;

/** Decides whether a file (a real path) may be read. */
type Allowed = (realPath: string) => boolean;

/** Configurations by repository, read again only where one of their files changed. */
export class Configs {
  /** The least recently used first. */
  readonly #known = new Map<string, { config: GitConfig; stamps: Stamps; allowed: Allowed }>();

  /**
   * Includes may hide refs, so one that may not be read is an error, not nothing.
   * @param began a moment before the call, milliseconds since 1970
   * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED`
   */
  read(gitDirectory: string, allowed: Allowed, began: number): GitConfig {
    const known = this.#known.get(gitDirectory);
    this.#known.delete(gitDirectory);
    if (known?.allowed === allowed && known.stamps.hold()) {
      this.#known.set(gitDirectory, known);
      return known.config;
    }
    const stamps = new Stamps();
    const entries = readEntries(path.join(gitDirectory, 'config'), allowed, stamps, 0);
    const config = new GitConfig(entries);
    if (stamps.settled(began) && entries.length <= MAX_ENTRIES) {
      this.#known.set(gitDirectory, { config, stamps, allowed });
      for (const oldest of this.#known.keys()) {
        if (this.#known.size <= MAX_KEPT) break;
        this.#known.delete(oldest);
      }
    }
    return config;
  }
}

function readEntries(file: string, allowed: Allowed, stamps: Stamps, depth: number): ConfigEntry[] {
  // As in git, a file that is not there says nothing.
  const text = stamps.see(file, true) ? unlessMissing(() => fs.readFileSync(file, 'utf8'), '') : '';
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
    return readEntries(included, allowed, stamps, depth + 1);
  });
}
