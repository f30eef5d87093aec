/** What goes into bundles, and whether clients may still see what went there. */

import { CommitSource } from '../pack/commit-source.ts';
import { Marks } from '../pack/marks.ts';
import { CAREFUL_SLOP, walkCommits } from '../pack/walk-commits.ts';
import { COMMIT } from '../repository/object-format.ts';
import { promisorRemotes } from '../repository/promisor-remotes.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { RefVisitor } from '../repository/refs.ts';
import type { Repository } from '../repository/repository.ts';
import type { Bundle } from '../store/bundles/bundle-list.ts';
import type { CommandContext } from './command.ts';

const TAGS = 'refs/tags/';
const BRANCHES = 'refs/heads/';
const SETTING = 'uploadpack.advertisebundleuris';

type Context = Pick<CommandContext, 'repository' | 'pace'>;

/** What the operator has said of bundles in the repository's configuration; undefined where that is nothing. */
export function bundlesSetting({ config }: Repository): boolean | undefined {
  return config.lastOf(SETTING) ? config.boolean(SETTING, false) : undefined;
}

/** The bundles that the operator has configured: `bundle.*`, where that is to be told. */
export function configuredBundles(repository: Repository): { key: string; value: string }[] {
  if (!bundlesSetting(repository)) return [];
  const entries = repository.config.section('bundle');
  return entries.flatMap(({ key, value }) => (value ? [{ key, value }] : []));
}

/** Whether bundles of our own may be made and given out: where the operator forbids none and has none. */
export function mayHaveOwnBundles(repository: Repository): boolean {
  if (bundlesSetting(repository) === false || configuredBundles(repository).length > 0) return false;
  // A bundle must hold all that its commits reach.
  return !repository.shallow && promisorRemotes(repository.config).length === 0;
}

/** The default branch as clients see it; undefined where HEAD leads to none, or to a hidden one. */
export async function defaultBranch({ repository, pace }: Context): Promise<string | undefined> {
  await repository.refs.prepare(pace.pauseIfDue);
  const head = repository.refs.resolve('HEAD');
  const isSeen = head?.oid && head.target?.startsWith(BRANCHES) && !repository.isHidden(head.target);
  return isSeen ? head.target : undefined;
}

/** Those of these branches that clients may see, and all tags that they may: ids, hex, by name, sorted. */
export async function visibleTips(
  { repository, pace }: Context,
  branches: readonly string[],
): Promise<Map<string, string>> {
  const tips = new Map<string, string>();
  const isMeant = (name: string) => name.startsWith(TAGS) || branches.includes(name);
  const add = (name: string, oid: () => string) => {
    if (isMeant(name) && !repository.isHidden(name)) tips.set(name, oid());
    return undefined;
  };
  const visitor: RefVisitor = {
    loose: ({ name, oid }) => add(name, () => oid),
    stored: (ref) => add(ref.name(), () => ref.oidHex()),
  };
  await repository.refs.visit(new RefPrefixes([TAGS, ...branches]), visitor, pace.pauseIfDue);
  return tips;
}

/**
 * Whether clients may see all that is in these bundles: the refs are there, tags as they were, and branches hold what
 * they held.
 */
export async function areVisible(context: Context, bundles: readonly Bundle[]): Promise<boolean> {
  const { repository, pace } = context;
  const refs = bundles.flatMap((bundle) => bundle.refs);
  const branches = [...new Set(refs.map(([name]) => name).filter((name) => name.startsWith(BRANCHES)))];
  const tips = await visibleTips(context, branches);
  const moved: string[] = [];
  for (const [name, oid] of refs) {
    const now = tips.get(name);
    if (now === oid) continue;
    if (now === undefined || !name.startsWith(BRANCHES)) return false;
    moved.push(oid);
  }
  if (moved.length === 0) return true;
  await repository.prepareObjects(pace.pauseIfDue);
  const { objects } = repository;
  const wanted = moved.map((oid) => objects.view.findHex(oid));
  const ends = branches.map((name) => objects.view.findHex(tips.get(name)!));
  const source = new CommitSource(objects);
  if ([...wanted, ...ends].some((number) => number < 0 || source.type(number) !== COMMIT)) return false;
  const marks = new Marks(objects.view);
  const limits = { slop: CAREFUL_SLOP };
  const lost = await walkCommits(source, wanted, ends, marks, pace, () => {}, limits);
  return lost.trees.length === 0;
}
