/** The configuration of a repository, from all places where git looks for it. */
import { type ConfigEntry, GitConfig } from './config.ts';
import { commandEntries } from './config-command.ts';
import { type Allowed, byteString, ConfigFiles, type Environment, outsideFiles } from './config-files.ts';
import { type ConfigLayer, readWithIncludes } from './config-includes.ts';
import { Stamps } from './stamps.ts';

/** Configurations of so many repositories are kept, of so many entries each. */
const MAX_KEPT = 64;
const MAX_ENTRIES = 1000;

/** What counts beside a repository's own configuration. */
export interface ConfigRules {
  /** Settings of the service: those of any file come over them. */
  readonly defaults: readonly ConfigEntry[];
  /** `all`: the system's and the user's files too, and what was given with the command, as for a program of git's. */
  readonly scope: 'repository' | 'all';
  /** Where `~` is, and with `all` those files and what was given. */
  readonly environment: Environment;
}

export const REPOSITORY_ONLY: ConfigRules = { defaults: [], scope: 'repository', environment: process.env };

export interface ConfigSource {
  /** A real path: `HEAD` and `config.worktree` are there. */
  readonly gitDirectory: string;
  /** A real path: `config` is there. It is the git directory but for linked worktrees. */
  readonly commonDirectory: string;
  /** Decides which files the repository's own may include. */
  readonly allowed: Allowed;
  readonly rules: ConfigRules;
  /** A moment before the call, milliseconds since 1970. */
  readonly began: number;
  /**
   * The branch that `HEAD` is on, a byte string without `refs/heads/`; undefined when it is on none. Called when a
   * condition asks for it.
   * @param format what the repository itself says of its format
   * @param stamps get what the answer was made from
   */
  branch(format: GitConfig, stamps: Stamps): string | undefined;
}

export interface RepositoryConfig {
  readonly config: GitConfig;
  /** What stands in the repository's `config` itself: its format (`extensions.*`) may be set nowhere else. */
  readonly format: GitConfig;
}

interface Known extends RepositoryConfig {
  readonly stamps: Stamps;
  readonly allowed: Allowed;
  readonly rules: ConfigRules;
}

/** Configurations by repository, read again only where something changed that they were made from. */
export class Configs {
  /** The least recently used first. */
  readonly #known = new Map<string, Known>();

  /** @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` */
  read(source: ConfigSource): RepositoryConfig {
    const { gitDirectory, allowed, rules } = source;
    const known = this.#known.get(gitDirectory);
    this.#known.delete(gitDirectory);
    if (known?.allowed === allowed && known.rules === rules && known.stamps.hold()) {
      this.#known.set(gitDirectory, known);
      return known;
    }
    const stamps = new Stamps();
    const { config, format } = readConfig(source, stamps);
    if (stamps.settled(source.began) && config.entries.length <= MAX_ENTRIES) {
      this.#known.set(gitDirectory, { config, format, stamps, allowed, rules });
      for (const oldest of this.#known.keys()) {
        if (this.#known.size <= MAX_KEPT) break;
        this.#known.delete(oldest);
      }
    }
    return { config, format };
  }
}

function readConfig(source: ConfigSource, stamps: Stamps): RepositoryConfig {
  const { allowed, rules } = source;
  const [gitDirectory, commonDirectory] = [source.gitDirectory, source.commonDirectory].map(byteString);
  const files = new ConfigFiles(stamps);
  const own = { path: `${commonDirectory}/config`, allowed };
  const format = new GitConfig(files.read(own) ?? []);
  const hasWorktreeConfig =
    format.get('core.repositoryformatversion') !== undefined &&
    format.boolean('extensions.worktreeconfig', false);
  const { environment } = rules;
  const isAll = rules.scope === 'all';
  // From what counts least to what counts most.
  const layers: ConfigLayer[] = [
    rules.defaults,
    ...(isAll ? outsideFiles(environment) : []),
    own,
    ...(hasWorktreeConfig ? [{ path: `${gitDirectory}/config.worktree`, allowed }] : []),
    ...(isAll ? [commandEntries(environment)] : []),
  ];
  const branch = () => source.branch(format, stamps);
  const entries = readWithIncludes(layers, files, { gitDirectory, environment, branch });
  return { config: new GitConfig(entries), format };
}
