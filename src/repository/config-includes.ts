/** Reading configuration with what it includes (git's `config.c`). Paths are byte strings. */
import { repositoryUnsupported } from '../errors.ts';
import type { ConfigEntry } from './config.ts';
import type { Allowed, ConfigFile, ConfigFiles } from './config-files.ts';
import { expandHome } from './home-directory.ts';
import { conditionHolds, matchesCondition, type Surroundings } from './include-condition.ts';

/** git's own limit. */
const MAX_DEPTH = 10;
/** Files that include one another ten times each are read a billion times before they are too deep. */
const MOST_INCLUDES = 2000;

/** What is read one after the other: a file, or entries that stand in none. */
export type ConfigLayer = ConfigFile | readonly ConfigEntry[];

/** What conditions ask for, but for the URLs of remotes, which are in what is read. */
export type Around = Omit<Surroundings, 'hasRemoteUrl'>;

/**
 * The entries of all layers, with those of included files where they are included.
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED`
 */
export function readWithIncludes(
  layers: readonly ConfigLayer[],
  files: ConfigFiles,
  around: Around,
): ConfigEntry[] {
  let urls: string[] | undefined;
  const hasRemoteUrl = (pattern: string) => {
    // A URL counts wherever it stands, also behind the condition: all is read once before, for URLs alone.
    urls ??= new Reader(files, { ...around, hasRemoteUrl: () => true }, true).read(layers).flatMap(urlOf);
    return urls.some((url) => matchesCondition(pattern, url));
  };
  return new Reader(files, { ...around, hasRemoteUrl }, false).read(layers);
}

/** Where entries stand. */
interface Place {
  /** The file; undefined where there is none. */
  readonly path?: string;
  /** Which files may be included from there. */
  readonly allowed?: Allowed | undefined;
  /** How many includes led there. */
  readonly depth: number;
  /** Whether any of them had a condition. */
  readonly conditional: boolean;
}

class Reader {
  readonly #entries: ConfigEntry[] = [];
  #includes = 0;
  readonly #files: ConfigFiles;
  readonly #around: Surroundings;
  readonly #forUrls: boolean;

  /** @param forUrls whether URLs of remotes are looked for, which files included by a condition must not have */
  constructor(files: ConfigFiles, around: Surroundings, forUrls: boolean) {
    this.#files = files;
    this.#around = around;
    this.#forUrls = forUrls;
  }

  read(layers: readonly ConfigLayer[]): ConfigEntry[] {
    const top = { depth: 0, conditional: false };
    for (const layer of layers) {
      if ('path' in layer) this.#take(this.#files.read(layer) ?? [], { ...layer, ...top });
      else this.#take(layer, top);
    }
    return this.#entries;
  }

  #take(entries: readonly ConfigEntry[], place: Place): void {
    for (const entry of entries) {
      if (this.#forUrls && place.conditional && urlOf(entry).length > 0) {
        throw repositoryUnsupported(
          'remote URLs cannot be configured in file directly or indirectly included by includeIf.hasconfig:remote.*.url',
        );
      }
      this.#entries.push(entry);
      if (entry.key === 'include.path') this.#include(entry, place, place.conditional);
      const condition = /^includeif\.(.*)\.path$/s.exec(entry.key)?.[1];
      if (condition !== undefined && conditionHolds(condition, place.path, this.#around)) {
        this.#include(entry, place, true);
      }
    }
  }

  #include({ key, value }: ConfigEntry, { path: from, allowed, depth }: Place, conditional: boolean): void {
    if (value === undefined) throw repositoryUnsupported(`missing value for '${key}'`);
    if (value === '') return;
    let path = expandHome(value, this.#around.environment);
    if (path === undefined) throw repositoryUnsupported('could not expand include path', value);
    if (!path.startsWith('/')) {
      if (from === undefined) throw repositoryUnsupported('relative config includes must come from files');
      path = from.slice(0, from.lastIndexOf('/') + 1) + path;
    }
    const entries = this.#files.read({ path, allowed });
    if (!entries) return;
    if (++this.#includes > MOST_INCLUDES) throw repositoryUnsupported('too many includes', path);
    if (depth === MAX_DEPTH) {
      throw repositoryUnsupported(`exceeded maximum include depth (${MAX_DEPTH})`, path);
    }
    this.#take(entries, { path, allowed, depth: depth + 1, conditional });
  }
}

/** The URL of a remote, where that is what an entry says. */
function urlOf({ key, value }: ConfigEntry): string[] {
  return value !== undefined && /^remote\..*\.url$/s.test(key) ? [value] : [];
}
