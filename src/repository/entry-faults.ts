/** What is said of entries of packs that cannot be read. */
import { ioError, isSystemError, PackhorseError, reasonOf, repositoryCorrupt } from '../errors.ts';
import type { PackedAt } from './object-view.ts';
import type { EntryHeader, PackFile } from './pack-file.ts';

/** Whether another copy may serve. */
export function isUnreadable(error: unknown): boolean {
  return (
    error instanceof PackhorseError && ['PACKHORSE_REPOSITORY_CORRUPT', 'PACKHORSE_IO'].includes(error.code)
  );
}

export function ringOfDeltas(pack: PackFile): PackhorseError {
  return repositoryCorrupt(`deltas of ${pack.name}.pack form a ring`);
}

/** Says which object of which pack is damaged, or cannot be read. */
export function damaged(pack: PackFile, rank: number, cause: unknown): PackhorseError {
  const what = `unable to read ${pack.index.oid(rank).toString('hex')}`;
  if (isSystemError(cause)) return ioError(`${what} from ${pack.name}.pack`, cause);
  return repositoryCorrupt(
    `${what}: packed object in ${pack.name}.pack is corrupt (${reasonOf(cause)})`,
    cause,
  );
}

/** @throws PackhorseError that names the object */
export function headerAt({ pack, rank }: PackedAt): EntryHeader {
  try {
    return pack.header(rank);
  } catch (error) {
    throw isSystemError(error) ? damaged(pack, rank, error) : error;
  }
}
