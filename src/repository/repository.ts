/** A repository on disk: found, checked, and open for one request. */
import fs from 'node:fs';
import path from 'node:path';
import { repositoryNotFound, repositoryUnsupported } from '../errors.ts';
import { objectDirectories } from './alternates.ts';
import type { CommitGraph } from './commit-graph.ts';
import type { GitConfig } from './config.ts';
import { hiddenRefs, hideRules, type IsHidden } from './hidden-refs.ts';
import type { IndexFiles } from './index-files.ts';
import type { KeptAnswers } from './kept-answers.ts';
import { isMissing, unlessMissing } from './missing-file.ts';
import { OBJECT_FORMATS, type ObjectFormat } from './object-format.ts';
import { MAX_TREE_DEPTH, ObjectReader } from './object-reader.ts';
import { ObjectView } from './object-view.ts';
import { openCommitGraph } from './open-commit-graph.ts';
import { openReachability } from './open-reachability.ts';
import type { Reachability } from './reachability.ts';
import { type ConfigRules, REPOSITORY_ONLY } from './read-config.ts';
import { FileRefs } from './refs.ts';
import type { RepositoryCaches } from './repository-caches.ts';

/** Which directories may be read; `allowed` gets real paths. */
export type AllowDirectory = (realPath: string) => boolean;

const allowAll: AllowDirectory = () => true;

/** Extensions of repository format 1 that do not change how a fetch reads the repository. */
const HARMLESS_EXTENSIONS = [
  'noop',
  'preciousobjects',
  'partialclone',
  'worktreeconfig',
  'relativeworktrees',
];

export class Repository {
  readonly gitDirectory: string;
  readonly config: GitConfig;
  readonly format: ObjectFormat;
  readonly refs: FileRefs;
  readonly isHidden: IsHidden;
  /** Files that would have made things faster and are passed over because they are damaged or stale, and why. */
  readonly indexProblems: string[] = [];
  /** Whether any ref may be hidden. */
  readonly hidesRefs: boolean;
  /** When it was opened, milliseconds since 1970. */
  readonly began: number;
  readonly answers: KeptAnswers;
  readonly #caches: RepositoryCaches;
  readonly #allowed: AllowDirectory;
  #objects: ObjectReader | undefined;
  #reachability: Reachability | undefined;

  private constructor(
    gitDirectory: string,
    caches: RepositoryCaches,
    allowed: AllowDirectory,
    rules: ConfigRules,
  ) {
    this.gitDirectory = gitDirectory;
    this.#caches = caches;
    this.answers = caches.answers;
    this.began = caches.now();
    this.#allowed = allowed;
    const { config, format } = caches.configs.read({
      gitDirectory,
      commonDirectory: gitDirectory,
      allowed,
      rules,
      began: this.began,
      branch(_, stamps) {
        const refs = new FileRefs(gitDirectory, caches.indexFiles);
        const { branch } = refs;
        stamps.join(refs.stamps);
        return branch;
      },
    });
    this.config = config;
    this.format = checkFormat(format);
    this.isHidden = hiddenRefs(this.config);
    this.hidesRefs = hideRules(this.config).length > 0;
    this.refs = new FileRefs(gitDirectory, caches.indexFiles);
  }

  /**
   * Opens the repository at `directory`: a git directory or one with `.git`, and as git does, `x` also finds `x.git`.
   * @param allowed decides whether a real path may be read
   * @param rules what counts beside its own configuration
   * @throws PackhorseError `PACKHORSE_REPOSITORY_NOT_FOUND`, `PACKHORSE_REPOSITORY_UNSUPPORTED`
   */
  static open(
    directory: string,
    caches: RepositoryCaches,
    allowed: AllowDirectory = allowAll,
    rules: ConfigRules = REPOSITORY_ONLY,
  ): Repository {
    const places = [
      path.join(directory, '.git'),
      directory,
      path.join(`${directory}.git`, '.git'),
      `${directory}.git`,
    ];
    for (const candidate of places) {
      const real = realGitDirectory(candidate);
      if (real && staysInside(real, allowed)) return new Repository(real, caches, allowed, rules);
    }
    throw repositoryNotFound(directory);
  }

  /** The objects, opened on first use. */
  get objects(): ObjectReader {
    if (!this.#objects) {
      const directories = objectDirectories(path.join(this.gitDirectory, 'objects'), this.#allowed);
      const view = new ObjectView(
        this.format,
        directories.map((directory) => this.#caches.objectDirectory(directory, this.format)),
        { multiPackIndex: this.config.boolean('core.multipackindex', true) },
      );
      this.indexProblems.push(...view.indexProblems);
      this.#objects = new ObjectReader(view, this.#caches.arena, {
        openGraph: () => this.#openCommitGraph(directories),
        maxTreeDepth: this.config.integer('core.maxtreedepth', MAX_TREE_DEPTH),
      });
    }
    return this.#objects;
  }

  /** Reachability bitmaps, where there are usable ones. */
  get reachability(): Reachability | undefined {
    this.#reachability ??= openReachability(this.objects.view, this.indexFiles, this.ignore);
    return this.#reachability;
  }

  get indexFiles(): IndexFiles {
    return this.#caches.indexFiles;
  }

  /** Remembers that a file cannot be used, and why, in {@link indexProblems}. */
  readonly ignore = (file: string, why: string): void => {
    this.indexProblems.push(`${file}: ${why}`);
  };

  /** Commits whose parents this repository does not have (its own `shallow` file), hex. */
  get shallow(): string[] {
    const text = unlessMissing(() => fs.readFileSync(path.join(this.gitDirectory, 'shallow'), 'latin1'), '');
    return text.split('\n').filter((line) => line.length === this.format.hexLength);
  }

  /** The real path of a file of the repository, such as `objects/info/packs`; undefined where there is none to be read. */
  fileAt(name: string): string | undefined {
    const real = unlessMissing(() => fs.realpathSync.native(path.join(this.gitDirectory, name)), undefined);
    return real && this.#allowed(real) ? real : undefined;
  }

  /** With a `shallow` file, be it an empty one, commits have other parents than the graph says. */
  #openCommitGraph(directories: readonly string[]): CommitGraph | undefined {
    if (fs.existsSync(path.join(this.gitDirectory, 'shallow'))) return undefined;
    const { format, config, indexProblems: problems } = this;
    return openCommitGraph({ directories, format, config, files: this.#caches.indexFiles, problems });
  }

  /** Gives up what the request held. */
  close(): void {
    this.#objects?.view.close();
    this.#objects = undefined;
    this.#caches.trim();
  }
}

function realGitDirectory(candidate: string): string | undefined {
  try {
    if (!fs.statSync(candidate, { throwIfNoEntry: false })) return undefined;
    const real = fs.realpathSync.native(candidate);
    const directories = ['objects', 'refs'].every((name) => fs.statSync(path.join(real, name)).isDirectory());
    return directories && hasHead(real) ? real : undefined;
  } catch (error) {
    // A link that leads to itself leads to no repository.
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ELOOP') return undefined;
    throw error;
  }
}

/** What a repository is read from, parents first; any of it may be a link. */
const PARTS = [
  'objects',
  'objects/pack',
  'objects/info',
  'objects/info/alternates',
  'objects/info/commit-graph',
  'objects/info/commit-graphs',
  'refs',
  'packed-refs',
  'config',
];

/** Whether no link leads out of the directories that may be read. */
function staysInside(gitDirectory: string, allowed: AllowDirectory): boolean {
  const parents = new Map<string, string | undefined>([['.', gitDirectory]]);
  return (
    allowed(gitDirectory) &&
    PARTS.every((name) => {
      const parent = parents.get(path.dirname(name));
      const real = parent && realChild(path.join(parent, path.basename(name)));
      parents.set(name, real);
      return !real || allowed(real);
    })
  );
}

/** The real path of a file in a directory whose path is real; undefined where there is none. */
function realChild(file: string): string | undefined {
  try {
    const stat = fs.lstatSync(file, { throwIfNoEntry: false });
    return stat?.isSymbolicLink() ? fs.realpathSync.native(file) : stat && file;
  } catch {
    return undefined;
  }
}

/** HEAD is a symbolic ref below `refs/`, an id, or (of old) a symbolic link. */
function hasHead(gitDirectory: string): boolean {
  const file = path.join(gitDirectory, 'HEAD');
  if (fs.lstatSync(file).isSymbolicLink()) return fs.readlinkSync(file).startsWith('refs/');
  return /^(?:ref:\s*refs\/|[0-9a-f]{40})/i.test(fs.readFileSync(file, 'latin1'));
}

function checkFormat(config: GitConfig): ObjectFormat {
  const version = config.integer('core.repositoryformatversion', 0);
  if (version > 1) throw repositoryUnsupported(`expected git repository version <= 1, found ${version}`);
  if (version < 1) {
    const later = ['objectformat', 'refstorage'].find(
      (name) => config.get(`extensions.${name}`) !== undefined,
    );
    if (later) throw repositoryUnsupported(`repo version is 0, but v1-only extension found: ${later}`);
    return OBJECT_FORMATS.sha1;
  }
  for (const name of config.names('extensions')) {
    if (name === 'objectformat' || HARMLESS_EXTENSIONS.includes(name)) continue;
    if (name === 'refstorage' && config.get('extensions.refstorage') === 'files') continue;
    throw repositoryUnsupported(`unknown repository extension found: ${name}`);
  }
  const name = config.get('extensions.objectformat') ?? 'sha1';
  if (name !== 'sha1' && name !== 'sha256') {
    throw repositoryUnsupported(`invalid value for 'extensions.objectformat': '${name}'`);
  }
  return OBJECT_FORMATS[name];
}
