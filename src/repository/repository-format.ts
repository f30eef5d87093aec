/** Which repositories can be read: their version and their extensions. */
import { repositoryUnsupported } from '../errors.ts';
import type { GitConfig } from './config.ts';
import { type HashName, OBJECT_FORMATS, type ObjectFormat } from './object-format.ts';

export interface RepositoryFormat {
  readonly objects: ObjectFormat;
  readonly refs: RefStorage;
}

/** How refs are stored, and where, if not in the repository; a path relative to its common directory. */
export interface RefStorage {
  readonly format: 'files' | 'reftable';
  readonly path: string | undefined;
}

const MOST = 1;

/** Extensions that git knows: in any version, and those that take version 1. Most change nothing for a fetch. */
const OF_ANY_VERSION = ['noop', 'partialclone', 'preciousobjects', 'worktreeconfig'];
const OF_VERSION_1 = [
  'compatobjectformat',
  'noop-v1',
  'objectformat',
  'refstorage',
  'relativeworktrees',
  'submodulepathconfig',
];

/** @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` */
export function readFormat(config: GitConfig): RepositoryFormat {
  const oldest: RepositoryFormat = {
    objects: OBJECT_FORMATS.sha1,
    refs: { format: 'files', path: undefined },
  };
  // Where no version is written, git goes by no extension either.
  const version = config.integer('core.repositoryformatversion', -1);
  if (version < 0) return oldest;
  if (version > MOST) throw repositoryUnsupported(`Expected git repo version <= ${MOST}, found ${version}`);
  const names = config.names('extensions');
  if (version === 0) {
    refuse(
      names.filter((name) => OF_VERSION_1.includes(name)),
      'repo version is 0, but v1-only',
    );
    return oldest;
  }
  const known = [...OF_ANY_VERSION, ...OF_VERSION_1];
  refuse(
    names.filter((name) => !known.includes(name)),
    'unknown repository',
  );
  readHash(config, 'extensions.compatobjectformat');
  const hash = readHash(config, 'extensions.objectformat');
  return { objects: OBJECT_FORMATS[hash], refs: readRefStorage(config) };
}

function refuse(extensions: readonly string[], what: string): void {
  if (extensions.length === 0) return;
  const plural = extensions.length > 1 ? 's' : '';
  throw repositoryUnsupported(`${what} extension${plural} found: ${extensions.join(', ')}`);
}

function readHash(config: GitConfig, key: string): HashName {
  const name = config.get(key) ?? 'sha1';
  if (name !== 'sha1' && name !== 'sha256') throw invalid(key, name);
  return name;
}

function readRefStorage(config: GitConfig): RefStorage {
  const key = 'extensions.refstorage';
  const [, format, path] = /^(.*?)(?::\/\/(.*))?$/s.exec(config.get(key) ?? 'files')!;
  if (format === 'files' || format === 'reftable') return { format, path };
  throw invalid(key, config.get(key)!);
}

function invalid(key: string, value: string): Error {
  return repositoryUnsupported(`invalid value for '${key}': '${value}'`);
}
