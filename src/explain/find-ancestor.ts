/** What a client may have that has not fetched for a while. */
import { CommitSource } from '../pack/commit-source.ts';
import type { Pace } from '../pack/pace.ts';
import { COMMIT } from '../repository/object-format.ts';
import type { Repository } from '../repository/repository.ts';

/** Commits. */
const FAR_BACK = 1000;

export interface Ancestor {
  /** What HEAD is at, and what it was at, hex. */
  readonly tip: string;
  readonly oid: string;
  /** Commits between it and the tip. */
  readonly behind: number;
}

/** Follows the first parents of HEAD; undefined where there are none. */
export async function findAncestor(repository: Repository, pace: Pace): Promise<Ancestor | undefined> {
  const { objects, refs } = repository;
  const tip = refs.resolve('HEAD')?.oid;
  if (tip === undefined || repository.isHidden('HEAD')) return undefined;
  let number = objects.view.findHex(tip);
  const source = new CommitSource(objects);
  if (number < 0 || repository.shallow || source.type(number) !== COMMIT) return undefined;
  let behind = 0;
  while (behind < FAR_BACK) {
    const [parent = -1] = source.read(number).parents;
    if (parent < 0) break;
    number = parent;
    behind++;
    if (pace.due()) await pace.pause();
  }
  return behind === 0 ? undefined : { tip, oid: objects.view.hex(number), behind };
}
