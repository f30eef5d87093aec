/** The refs of a repository or a linked worktree, as it stores them. */
import { repositoryUnsupported } from '../errors.ts';
import type { AllowDirectory } from './allow-directory.ts';
import { type GitDirectories, refDirectories } from './git-directory.ts';
import type { IndexFiles } from './index-files.ts';
import { FileRefs, type Refs } from './refs.ts';
import { ReftableRefs } from './reftable-refs.ts';
import type { RepositoryFormat } from './repository-format.ts';

/**
 * @param allowed decides whether a place that the format names may be read
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED`
 */
export function openRefs(
  directories: GitDirectories,
  { objects, refs }: RepositoryFormat,
  files: IndexFiles,
  allowed: AllowDirectory,
): Refs {
  const place = refs.path ? refDirectories(directories, refs.path, allowed) : directories;
  if (!place) throw repositoryUnsupported(`there are no refs to be read at ${refs.path}`);
  return refs.format === 'reftable' ? new ReftableRefs(place, objects, files) : new FileRefs(place, files);
}
