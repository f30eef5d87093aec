/** Which bitmaps a request goes by: the repository's, or our own. */
import { buildBitmaps } from '../pack/build-bitmaps.ts';
import type { Pace } from '../pack/pace.ts';
import type { Reachability } from '../repository/reachability.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { RefVisitor } from '../repository/refs.ts';
import type { Repository } from '../repository/repository.ts';
import { type OwnBitmaps, packSetOf } from '../store/own-bitmaps.ts';
import type { CommandContext } from './command.ts';

/** Those that cover more objects; of equals the repository's. */
export function findBitmaps({
  repository,
  ownBitmaps,
}: Pick<CommandContext, 'repository' | 'ownBitmaps'>): Reachability | undefined {
  // A word of the repository's owner on bitmaps is a word on ours too.
  if (!repository.config.boolean('pack.usebitmaps', true)) return undefined;
  const theirs = repository.reachability;
  const { view } = repository.objects;
  if (!ownBitmaps || theirs?.objects === view.packedObjects) return theirs;
  const own = ownBitmaps.open(repository.gitDirectory, view, repository.indexFiles, repository.ignore);
  return (own?.objects ?? 0) > (theirs?.objects ?? 0) ? own : theirs;
}

/** @returns bytes written; undefined where bitmaps cover all packs already, there are none, or bitmaps are not wanted */
export async function buildOwnBitmaps(
  repository: Repository,
  store: OwnBitmaps,
  pace: Pace,
): Promise<number | undefined> {
  const { view } = repository.objects;
  if (view.packCount === 0) return undefined;
  if (!repository.config.boolean('pack.usebitmaps', true) || repository.shallow.length > 0) return undefined;
  if (findBitmaps({ repository, ownBitmaps: store })?.objects === view.packedObjects) return undefined;
  const tips = await findTips(repository, pace);
  const packs = packSetOf(view);
  const bitmaps = await buildBitmaps(repository.objects, tips, packs.checksum, pace);
  store.write(repository.gitDirectory, packs, bitmaps);
  return bitmaps.length;
}

/** The numbers of what refs point at, each once. */
async function findTips(repository: Repository, pace: Pace): Promise<number[]> {
  const { view } = repository.objects;
  const tips = new Set<number>();
  const visitor: RefVisitor = {
    loose: (ref) => void tips.add(view.findHex(ref.oid)),
    packed: (line) => void tips.add(view.find(line.oid)),
  };
  await repository.refs.visit(new RefPrefixes(), visitor, () => (pace.due() ? pace.pause() : undefined));
  tips.delete(-1);
  return [...tips];
}
