/** Makes bundles for clones: of the default branch and the tags, first whole, then what has come since. */

import { CommitSource } from '../pack/commit-source.ts';
import { count } from '../pack/count.ts';
import { encodeBundleHeader } from '../protocol/bundle-header.ts';
import { COMMIT } from '../repository/object-format.ts';
import type { Bundle, BundleRef } from '../store/bundles/bundle-list.ts';
import type { BundleStore } from '../store/bundles/bundle-store.ts';
import { findBitmaps } from './bitmaps.ts';
import { BundleSink } from './bundle-sink.ts';
import { areVisible, defaultBranch, mayHaveOwnBundles, visibleTips } from './bundle-tips.ts';
import type { CommandContext } from './command.ts';
import { peel } from './list-refs.ts';
import { sendPack } from './send-pack.ts';

export interface BundleLimits {
  /** New objects from which on another bundle is made. */
  readonly objects: number;
  /** Milliseconds after which one is made for fewer. */
  readonly age: number;
  /** Bundles that go on from the first at most, and their share of its bytes at most: then all is made anew. */
  readonly increments: number;
  readonly share: number;
}

export const BUNDLE_LIMITS: BundleLimits = { objects: 1000, age: 86_400_000, increments: 8, share: 0.5 };

/** Makes the next bundle, where one is due, and offers it; the statistics say what was made. */
export async function buildBundle(context: CommandContext, limits: BundleLimits): Promise<void> {
  const { repository, bundles, pace, statistics } = context;
  if (!bundles || !mayHaveOwnBundles(repository)) return;
  await repository.prepareObjects(pace.pauseIfDue);
  const branch = await defaultBranch(context);
  if (branch === undefined) return;
  const list = bundles.list(repository);
  const refs = await existing(context, await visibleTips(context, [branch]));
  const before = list?.offered ?? [];
  const holds = list && bundles.isWhole(repository, list) && (await areVisible(context, before));
  const last = before.at(-1);
  const now = bundles.now();
  if (last && holds) {
    const known = new Map(before.flatMap((bundle) => bundle.refs));
    const fresh = refs.filter(([name, oid]) => known.get(name) !== oid);
    const isOld = now - last.created >= limits.age;
    const objects = fresh.length > 0 ? await countNew(context, fresh, before) : 0;
    if (objects < (isOld ? 1 : limits.objects)) return;
    if (!isFull(before, limits)) {
      statistics.kind = 'fetch';
      const made = await write(context, bundles, fresh, before);
      bundles.offer(repository, [...before, { ...made, token: last.token + 1, created: now }]);
      return;
    }
  }
  statistics.kind = 'clone';
  const made = await write(context, bundles, refs, []);
  // Who has all bundles so far is to fetch what it lacks, not to take everything again.
  const token = last?.token ?? Math.floor(now / 1000);
  bundles.offer(repository, [{ ...made, token, created: now }]);
}

/** Whether bundles have come to be too many, or too large, beside the first. */
function isFull([first, ...more]: readonly Bundle[], { increments, share }: BundleLimits): boolean {
  const bytes = more.reduce((sum, bundle) => sum + bundle.bytes, 0);
  return more.length >= increments || bytes > first.bytes * share;
}

/** Those whose objects are there. */
async function existing(
  { repository, pace }: CommandContext,
  tips: ReadonlyMap<string, string>,
): Promise<BundleRef[]> {
  const { objects } = repository;
  const source = new CommitSource(objects);
  const refs: BundleRef[] = [];
  for (const [name, oid] of tips) {
    const number = objects.view.findHex(oid);
    if (number >= 0 && peel(number, source)) refs.push([name, oid]);
    if (pace.due()) await pace.pause();
  }
  return refs;
}

function numbersOf({ repository }: CommandContext, refs: readonly BundleRef[]): number[] {
  const { view } = repository.objects;
  return [...new Set(refs.map(([, oid]) => view.findHex(oid)))].filter((number) => number >= 0);
}

function requestFor(context: CommandContext, refs: readonly BundleRef[], before: readonly Bundle[]) {
  const haves = numbersOf(
    context,
    before.flatMap((bundle) => bundle.refs),
  );
  return { wants: numbersOf(context, refs), haves, grafts: new Set<number>(), includeTags: [] };
}

async function countNew(
  context: CommandContext,
  refs: readonly BundleRef[],
  before: readonly Bundle[],
): Promise<number> {
  const { repository, pace } = context;
  const request = requestFor(context, refs, before);
  const counted = await count(repository.objects, request, await findBitmaps(context), pace, () => {});
  return counted.objects.length;
}

/** Writes a bundle of what these refs reach and the bundles before do not hold. */
async function write(
  context: CommandContext,
  bundles: BundleStore,
  refs: readonly BundleRef[],
  before: readonly Bundle[],
): Promise<Pick<Bundle, 'id' | 'bytes' | 'refs'>> {
  const { repository } = context;
  const request = requestFor(context, refs, before);
  const prerequisites = commitsOf(context, request.haves);
  const file = await bundles.create(repository, before.length > 0);
  try {
    await file.write(encodeBundleHeader({ hash: repository.format.name, prerequisites, refs }));
    const sink = new BundleSink((bytes) => file.write(bytes));
    const options = { thin: before.length > 0, ofsDelta: true, silent: true };
    await sendPack({ ...context, sink }, request, options);
    return { ...(await file.finish()), refs };
  } catch (error) {
    await file.abort();
    throw error;
  }
}

/** Ids of the commits that these objects are, or lead to as tags. */
function commitsOf({ repository }: CommandContext, numbers: readonly number[]): string[] {
  const { objects } = repository;
  const source = new CommitSource(objects);
  const targets = new Set(numbers.map((number) => source.peel(number).target));
  return [...targets].filter((number) => source.type(number) === COMMIT).map((n) => objects.view.hex(n));
}
