/** The repository that a bench measures: the generated history, or the one given with `--repo`. */
import fs from 'node:fs';
import path from 'node:path';
import type { BenchOptions } from './bench.ts';
import { git } from './git.ts';
import { ensureRepository } from './repositories.ts';

export interface Source {
  /** The directory that the service is started on, and the repository's path below it. */
  readonly root: string;
  readonly name: string;
  /** Of the repository itself. */
  readonly directory: string;
  /** Its hash: `sha1` or `sha256`. */
  readonly format: string;
  readonly hasBitmap: boolean;
}

export async function openSource({ directory: kept, repository }: BenchOptions): Promise<Source> {
  const directory = repository ?? path.join(kept, await ensureRepository(kept, 'history'));
  const packs = path.resolve(directory, git(directory, 'rev-parse', '--git-path', 'objects/pack'));
  return {
    root: path.dirname(directory),
    name: path.basename(directory),
    directory,
    format: git(directory, 'rev-parse', '--show-object-format'),
    hasBitmap: fs.readdirSync(packs).some((file) => file.endsWith('.bitmap')),
  };
}
