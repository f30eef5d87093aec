/** What a repository goes by: names of one that several paths lead to. */
import fs from 'node:fs';
import path from 'node:path';
import type { StreamHead } from '../store/streams/stream.ts';

/** What may stand behind a name. */
const SUFFIXES = ['', '.git', '/.git', '.git/.git'];

/** Those whose streams and entries are meant by a name. */
export interface NamedRepository {
  isHead(head: StreamHead): boolean;
  /** @param directory the real path of a git directory */
  isDirectory(directory: string): boolean;
}

/** Clients leave out `.git` and put slashes around names as they like. */
export function plainName(repository: string): string {
  return repository.replace(/^\/+|\/+$/g, '').replace(/\/?\.git$/, '');
}

/**
 * @param name a path that clients ask for, or one on disk, or its end; the repository need not be there any more
 * @param heads of all streams: they know of directories that clients found by that name, and where to look for others
 */
export function namedRepository(name: string, heads: readonly StreamHead[]): NamedRepository {
  const plain = plainName(name);
  const isCalled = ({ repository }: StreamHead) => plainName(repository) === plain;
  const roots = new Set(heads.flatMap(({ place }) => place?.root ?? []));
  const directories = new Set([
    ...heads.filter(isCalled).flatMap(({ place }) => place?.directory ?? []),
    ...[...roots].flatMap((root) => realPaths(path.join(root, plain))),
    ...(path.isAbsolute(name) ? realPaths(`/${plain}`) : []),
  ]);
  const isDirectory = (directory: string) =>
    directories.has(directory) || `/${plainName(directory)}`.endsWith(`/${plain}`);
  return {
    isHead: (head) => isCalled(head) || (head.place !== undefined && isDirectory(head.place.directory)),
    isDirectory,
  };
}

/** Of what is there: links lead elsewhere. */
function realPaths(place: string): string[] {
  return SUFFIXES.flatMap((suffix) => {
    try {
      return fs.realpathSync(place + suffix);
    } catch {
      return [];
    }
  });
}
