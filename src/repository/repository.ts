/** A repository on disk: found, checked, and open for one request. */
import path from 'node:path';
import { repositoryNotExported, repositoryNotFound } from '../errors.ts';
import { inOneGo, inStretches, type Pause, type Stretches } from '../stretches.ts';
import { allowAll, realPath } from './allow-directory.ts';
import { objectDirectories } from './alternates.ts';
import type { CommitGraph } from './commit-graph.ts';
import type { GitConfig } from './config.ts';
import { type FindOptions, findGitDirectory, type GitDirectories, ownObjects } from './git-directory.ts';
import { hiddenRefs, hideRules, type IsHidden } from './hidden-refs.ts';
import type { IndexFiles } from './index-files.ts';
import type { KeptAnswers } from './kept-answers.ts';
import { isThere } from './missing-file.ts';
import { NamespacedRefs, namespacePrefix } from './namespaced-refs.ts';
import type { ObjectFormat } from './object-format.ts';
import { MAX_TREE_DEPTH, ObjectReader } from './object-reader.ts';
import { ObjectView } from './object-view.ts';
import { openCommitGraph } from './open-commit-graph.ts';
import { openReachability } from './open-reachability.ts';
import { openRefs } from './open-refs.ts';
import type { Reachability } from './reachability.ts';
import { type ConfigRules, REPOSITORY_ONLY } from './read-config.ts';
import { branchOf, type Refs } from './refs.ts';
import type { RepositoryCaches } from './repository-caches.ts';
import { readFormat } from './repository-format.ts';
import { readShallowFile } from './shallow-file.ts';

export interface OpenOptions extends FindOptions {
  /** Whether a repository must have a file `git-daemon-export-ok` to be found. */
  readonly exportOk?: boolean | undefined;
  /** The namespace that is served, if not all: its name as in `GIT_NAMESPACE`, such as `a/b`. */
  readonly namespace?: string | undefined;
  /** What counts beside the repository's own configuration; nothing does by default. */
  readonly config?: ConfigRules | undefined;
  /** Object directories to borrow from besides its alternates; relative ones start at the git directory. */
  readonly alternateDirectories?: readonly string[] | undefined;
}

/** What lets `git daemon` serve a repository. */
const EXPORT_MARK = 'git-daemon-export-ok';

export class Repository {
  readonly gitDirectory: string;
  /** The same but in a linked worktree. */
  readonly commonDirectory: string;
  readonly config: GitConfig;
  readonly format: ObjectFormat;
  readonly refs: Refs;
  /** What stands before the names of all refs; empty where no namespace is served. */
  readonly namespace: string;
  readonly isHidden: IsHidden;
  /** Files that would have made things faster and are passed over because they are damaged or stale, and why. */
  readonly indexProblems: string[] = [];
  /** Whether any ref may be hidden. */
  readonly hidesRefs: boolean;
  /** When it was opened, milliseconds since 1970. */
  readonly began: number;
  readonly answers: KeptAnswers;
  readonly #caches: RepositoryCaches;
  readonly #options: OpenOptions;
  readonly #ownObjects: string;
  #users = 1;
  #objects: ObjectReader | undefined;
  #reachability: Reachability | undefined;
  #shallow: readonly string[] | undefined | null = null;

  private constructor(directories: GitDirectories, caches: RepositoryCaches, options: OpenOptions) {
    const { allowed = allowAll } = options;
    this.gitDirectory = directories.gitDirectory;
    this.commonDirectory = directories.commonDirectory;
    this.#caches = caches;
    this.#options = options;
    this.#ownObjects = ownObjects(directories, options);
    this.answers = caches.answers;
    this.began = caches.now();
    const { config, format } = caches.configs.read({
      ...directories,
      allowed,
      rules: options.config ?? REPOSITORY_ONLY,
      began: this.began,
      branch(format, stamps) {
        const refs = openRefs(directories, readFormat(format), caches.indexFiles, allowed);
        const branch = branchOf(refs);
        stamps.join(refs.stamps);
        return branch;
      },
    });
    this.config = config;
    const repositoryFormat = readFormat(format);
    this.format = repositoryFormat.objects;
    this.namespace = namespacePrefix(options.namespace);
    this.isHidden = hiddenRefs(this.config, this.namespace);
    this.hidesRefs = hideRules(this.config).length > 0;
    const all = openRefs(directories, repositoryFormat, caches.indexFiles, allowed);
    this.refs = this.namespace === '' ? all : new NamespacedRefs(all, this.namespace);
  }

  /**
   * Opens the repository at `directory`: a git directory or one with `.git`, and as git does, `x` also finds `x.git`.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_NOT_FOUND`, `PACKHORSE_REPOSITORY_UNSUPPORTED`
   */
  static open(directory: string, caches: RepositoryCaches, options: OpenOptions = {}): Repository {
    const directories = findGitDirectory(directory, options);
    if (!directories) throw repositoryNotFound(directory);
    if (options.exportOk && !isThere(path.join(directories.gitDirectory, EXPORT_MARK))) {
      throw repositoryNotExported(directory);
    }
    return new Repository(directories, caches, options);
  }

  /** The objects, opened on first use: in one go, where {@link prepareObjects} was not called. */
  get objects(): ObjectReader {
    this.#objects ??= inOneGo(this.#openObjects());
    return this.#objects;
  }

  /** Opens the objects, with pauses: index files that no one has read are read, checked and put in order. */
  async prepareObjects(pause: Pause): Promise<void> {
    this.#objects ??= await inStretches(this.#openObjects(), pause);
  }

  /** Reachability bitmaps, where there are usable ones. */
  *reachability(): Stretches<Reachability | undefined> {
    this.#reachability ??= yield* openReachability(this.objects.view, this.indexFiles, this.ignore);
    return this.#reachability;
  }

  /** Lets go of what only those need who look at history, such as bitmaps; what is asked for again is opened anew. */
  forgetHistory(): void {
    this.#reachability = undefined;
    this.#objects?.forget();
  }

  get indexFiles(): IndexFiles {
    return this.#caches.indexFiles;
  }

  /** Remembers that a file cannot be used, and why, in {@link indexProblems}. */
  readonly ignore = (file: string, why: string): void => {
    this.indexProblems.push(`${file}: ${why}`);
  };

  /**
   * Commits whose parents this repository does not have (its own `shallow` file), hex; undefined where it has all. Read
   * once: a request goes by what it found.
   */
  get shallow(): readonly string[] | undefined {
    if (this.#shallow === null) this.#shallow = readShallowFile(this.commonDirectory, this.format);
    return this.#shallow;
  }

  /** The real path of a file of the repository, such as `objects/info/packs`; undefined where there is none to be read. */
  fileAt(name: string): string | undefined {
    const real = realPath(path.join(this.commonDirectory, name));
    return real && (this.#options.allowed ?? allowAll)(real) ? real : undefined;
  }

  *#openObjects(): Stretches<ObjectReader> {
    const { allowed = allowAll, alternateDirectories = [] } = this.#options;
    const borrowed = alternateDirectories.map((directory) => path.resolve(this.gitDirectory, directory));
    const directories = objectDirectories(this.#ownObjects, allowed, borrowed);
    const view = yield* ObjectView.open(
      this.format,
      directories.map((directory) => this.#caches.objectDirectory(directory, this.format)),
      { multiPackIndex: this.config.boolean('core.multipackindex', true) },
    );
    this.indexProblems.push(...view.indexProblems);
    return new ObjectReader(view, this.#caches.arena, {
      openGraph: () => this.#openCommitGraph(directories),
      maxTreeDepth: this.config.integer('core.maxtreedepth', MAX_TREE_DEPTH),
    });
  }

  /** With a `shallow` file, be it an empty one, commits have other parents than the graph says. */
  *#openCommitGraph(directories: readonly string[]): Stretches<CommitGraph | undefined> {
    if (this.shallow) return undefined;
    const { format, config, indexProblems: problems } = this;
    return yield* openCommitGraph({ directories, format, config, files: this.#caches.indexFiles, problems });
  }

  /** Says that someone else works with it too: it stays open until all have closed it. */
  retain(): void {
    this.#users++;
  }

  /** Gives up what the request held. */
  close(): void {
    this.#users--;
    if (this.#users > 0) return;
    this.#objects?.view.close();
    this.#objects = undefined;
    this.#caches.trim();
  }
}
