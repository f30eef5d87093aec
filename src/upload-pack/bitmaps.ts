/** Which bitmaps a request goes by: the repository's, or our own. */
import { buildBitmaps } from '../pack/build-bitmaps.ts';
import type { NoBitmaps } from '../pack/count.ts';
import type { Pace } from '../pack/pace.ts';
import { promisorRemotes } from '../repository/promisor-remotes.ts';
import type { Reachability } from '../repository/reachability.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { RefVisitor } from '../repository/refs.ts';
import type { Repository } from '../repository/repository.ts';
import { type OwnBitmaps, packSetOf } from '../store/own-bitmaps.ts';
import { inStretches } from '../stretches.ts';
import type { CommandContext } from './command.ts';

/** Those that cover more objects; of equals the repository's. */
export async function findBitmaps({
  repository,
  ownBitmaps,
  pace,
}: Pick<CommandContext, 'repository' | 'ownBitmaps' | 'pace'>): Promise<Reachability | NoBitmaps> {
  // A word of the repository's owner on bitmaps is a word on ours too.
  if (!repository.config.boolean('pack.usebitmaps', true)) return 'off';
  if (repository.shallow) return 'shallow';
  const theirs = await inStretches(repository.reachability(), pace.pauseIfDue);
  const { commonDirectory, indexFiles, ignore } = repository;
  const { view } = repository.objects;
  let own: Reachability | undefined;
  if (theirs?.objects !== view.packedObjects) {
    const opening = ownBitmaps?.open(commonDirectory, view, indexFiles, ignore);
    own = opening && (await inStretches(opening, pace.pauseIfDue));
  }
  const best = own && own.objects > (theirs?.objects ?? 0) ? own : theirs;
  return best ?? (repository.indexProblems.some((why) => why.includes('.bitmap: ')) ? 'unusable' : 'absent');
}

/** @returns bytes written; undefined where bitmaps cover all packs already, there are none, or bitmaps are not wanted */
export async function buildOwnBitmaps(
  repository: Repository,
  store: OwnBitmaps,
  pace: Pace,
): Promise<number | undefined> {
  const { view } = repository.objects;
  if (view.packCount === 0) return undefined;
  if (!repository.config.boolean('pack.usebitmaps', true)) return undefined;
  // Bitmaps need all that commits reach.
  if (repository.shallow || promisorRemotes(repository.config).length > 0) return undefined;
  const known = await findBitmaps({ repository, ownBitmaps: store, pace });
  if (typeof known !== 'string' && known.objects === view.packedObjects) return undefined;
  const tips = await findTips(repository, pace);
  const packs = packSetOf(view);
  const bitmaps = await buildBitmaps(repository.objects, tips, packs.checksum, pace);
  if (!bitmaps) return undefined;
  store.write(repository.commonDirectory, packs, bitmaps);
  return bitmaps.length;
}

/** The numbers of what refs point at, each once. */
async function findTips(repository: Repository, pace: Pace): Promise<number[]> {
  const { view } = repository.objects;
  const tips = new Set<number>();
  const visitor: RefVisitor = {
    loose: (ref) => void tips.add(view.findHex(ref.oid)),
    stored: (ref) => void tips.add(view.find(ref.oid)),
  };
  await repository.refs.visit(new RefPrefixes(), visitor, pace.pauseIfDue);
  tips.delete(-1);
  return [...tips];
}
