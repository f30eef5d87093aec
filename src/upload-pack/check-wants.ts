/** Whether clients of protocol v0 and v1 may have what they want (protocol sections 2.3 and 9). */
import { notOurRef } from '../errors.ts';
import { CommitSource } from '../pack/commit-source.ts';
import { count } from '../pack/count.ts';
import { Marks } from '../pack/marks.ts';
import type { Pace } from '../pack/pace.ts';
import { CAREFUL_SLOP, walkCommits } from '../pack/walk-commits.ts';
import { NumberSet } from '../repository/number-set.ts';
import { COMMIT } from '../repository/object-format.ts';
import { findBitmaps } from './bitmaps.ts';
import type { CommandContext } from './command.ts';
import { listRefs, type RefFormat, type Tips } from './list-refs.ts';
import { endsOf } from './shallow.ts';
import { readWantPolicy } from './want-policy.ts';

export interface WantCheck {
  /** Numbers of the wanted objects. */
  readonly wants: readonly number[];
  /** What refs pointed at when they were advertised; undefined: by another exchange, which may be some time ago. */
  readonly advertised: Tips | undefined;
}

/**
 * Refs may have moved since they were advertised by another exchange, so that what they reach is granted then. Unlike
 * with git trees and blobs must be reachable too.
 * @throws PackhorseError `PACKHORSE_NOT_OUR_REF`
 */
export async function checkWants(context: CommandContext, { wants, advertised }: WantCheck): Promise<void> {
  const { config, objects } = context.repository;
  const policy = readWantPolicy(config);
  if (policy.any) return;
  const { visible, hidden } = advertised ?? (await collectTips(context));
  const granted = new NumberSet(objects.view);
  granted.addAll(visible);
  if (policy.tips || policy.reachable) granted.addAll(hidden);
  const others = wants.filter((number) => !granted.has(number));
  if (others.length === 0) return;
  const mayBeReached = policy.reachable || !advertised;
  if (mayBeReached && (await areReachable(context, others, [...granted.toArray()]))) return;
  throw notOurRef(objects.view.hex(others[0]));
}

async function collectTips(context: CommandContext): Promise<Tips> {
  const { view } = context.repository.objects;
  const tips = { visible: new NumberSet(view), hidden: new NumberSet(view) };
  await listRefs(context, { prefixes: [], key: undefined, format: () => NO_LINES, tips });
  return tips;
}

/** A list that is not sent. */
const NO_LINES: RefFormat = {
  peels: false,
  ref: () => undefined,
  stored: () => undefined,
  finish: async () => undefined,
};

async function areReachable(
  context: CommandContext,
  wants: readonly number[],
  tips: readonly number[],
): Promise<boolean> {
  const { repository, pace } = context;
  const { objects } = repository;
  const grafts = await endsOf(repository.shallow, objects.view, pace);
  const source = new CommitSource(objects, grafts);
  const wanted = await peelAll(source, wants, pace);
  if (wanted.commits.length > 0) {
    const ends = await peelAll(source, tips, pace);
    const marks = new Marks(objects.view);
    const limits = { slop: CAREFUL_SLOP };
    const walk = await walkCommits(source, wanted.commits, ends.commits, marks, pace, () => {}, limits);
    if (walk.trees.length > 0) return false;
  }
  if (wanted.others.length === 0) return true;
  const request = { wants: tips, haves: [], grafts, includeTags: [] };
  const all = await count(objects, request, await findBitmaps(context), pace, () => {});
  return wanted.others.every((number) => all.objects.has(number));
}

/** What objects lead to in the end. */
async function peelAll(source: CommitSource, numbers: Iterable<number>, pace: Pace) {
  const commits: number[] = [];
  const others: number[] = [];
  for (const number of numbers) {
    const { target } = source.peel(number);
    (source.type(target) === COMMIT ? commits : others).push(target);
    if (pace.due()) await pace.pause();
  }
  return { commits, others };
}
