/** The repository that a bench measures: the generated history, or the one given with `--repo`. */
import path from 'node:path';
import type { BenchOptions } from './bench.ts';
import { git } from './git.ts';
import { ensureHistory } from './repositories.ts';

export interface Source {
  /** The directory that the service is started on, and the repository's path below it. */
  readonly root: string;
  readonly name: string;
  /** Of the repository itself. */
  readonly directory: string;
  /** Its hash: `sha1` or `sha256`. */
  readonly format: string;
}

export async function openSource({ directory, repository, commits }: BenchOptions): Promise<Source> {
  return sourceAt(repository ?? path.join(directory, await ensureHistory(directory, commits[0])));
}

export function sourceAt(directory: string): Source {
  return {
    root: path.dirname(directory),
    name: path.basename(directory),
    directory,
    format: git(directory, 'rev-parse', '--show-object-format'),
  };
}
