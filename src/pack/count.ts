/** Stage one of a pack: which objects (`count`). */
import { PackhorseError } from '../errors.ts';
import type { NumberSet } from '../repository/number-set.ts';
import { BLOB, COMMIT, TREE } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import type { Reachability } from '../repository/reachability.ts';
import { sortInStretches } from '../sort-in-stretches.ts';
import { inStretches } from '../stretches.ts';
import { applyFilter } from './apply-filter.ts';
import { CommitSource } from './commit-source.ts';
import { BitmapCount, type Tips } from './count-bitmaps.ts';
import { type FilterPlan, goesByPaths, isDoneByWalking } from './filter-plan.ts';
import { Marks } from './marks.ts';
import type { Pace } from './pace.ts';
import { PackOrder } from './pack-order.ts';
import type { PathHints } from './path-hints.ts';
import { PromisedObjects } from './promised-objects.ts';
import { rootTrees, walkCommits } from './walk-commits.ts';
import { TreeWalk } from './walk-trees.ts';

export interface CountRequest {
  /** Numbers of objects of any type to send with all that they reach. */
  readonly wants: readonly number[];
  /** Numbers of objects that the client has, with all that they reach. */
  readonly haves: readonly number[];
  /** Commits taken to have no parents: shallow boundaries of either side. */
  readonly grafts: ReadonlySet<number>;
  /** Tag objects to add when what they point at in the end is sent: number of the tag, number of that, and so on. */
  readonly includeTags: ArrayLike<number>;
  /** What the client wants to do without; what it names itself is sent all the same. */
  readonly filter?: FilterPlan | undefined;
  /** Whether what a promisor remote has promised may be missing: it is left out. */
  readonly missingPromised?: boolean | undefined;
  /** Numbers of objects that the client gets elsewhere. */
  readonly elsewhere?: readonly number[] | undefined;
}

/**
 * Whether bitmaps were used, or why not: the repository has none, those that it has are damaged or stale (`unusable`), its
 * configuration forbids them (`off`), the history is cut (`shallow`), the filter goes by paths (`filter`), no have lies in
 * the bitmapped pack (`outside`), or something that the haves should reach is not there, or need not be (`incomplete`).
 */
export type BitmapUse = 'used' | NoBitmaps | 'filter' | 'outside' | 'incomplete';
export type NoBitmaps = 'absent' | 'unusable' | 'off' | 'shallow';

export interface Count {
  /**
   * The objects to send: packed ones by pack and offset, then loose ones by type and id. However the set is found, its
   * order is this one.
   */
  readonly objects: PackOrder;
  /** Those that would be sent too if the client did not get them elsewhere. */
  readonly leftOut: readonly number[];
  /** What the client surely has, so that it may be the base of a delta; undefined where that is nothing. */
  readonly had: NumberSet | undefined;
  /** Paths of trees and blobs, for a search for deltas; undefined where one would not pay. */
  readonly hints: PathHints | undefined;
  readonly bitmap: BitmapUse;
  /** How many objects were found by walking, not by a bitmap. */
  readonly walked: number;
  /** How many commits were read from their objects, as no commit-graph has them. */
  readonly opened: number;
}

/**
 * @param bitmaps those of the repository, or why there are none
 * @param progress called now and then with the number of objects found so far
 * @throws PackhorseError `PACKHORSE_OBJECT_MISSING`, `PACKHORSE_REPOSITORY_CORRUPT`, `PACKHORSE_CANCELLED`
 */
export async function count(
  objects: ObjectReader,
  request: CountRequest,
  bitmaps: Reachability | NoBitmaps,
  pace: Pace,
  progress: (objects: number) => void,
): Promise<Count> {
  const reachability = typeof bitmaps === 'string' ? undefined : bitmaps;
  const { view } = objects;
  const source = new CommitSource(objects, request.grafts);
  let marks = new Marks(view);
  let bitmap = bitmapUse(bitmaps, request);
  let walk: Walked | undefined;
  if (bitmap === 'used') {
    walk = await markByBitmaps(source, request, reachability!, marks, pace, progress);
    if (!walk) {
      bitmap = 'incomplete';
      marks = new Marks(view);
    }
  }
  walk ??= await markByWalking(source, request, marks, pace, progress);

  const { wanted, excluded } = marks;
  wanted.subtract(excluded);
  if (request.filter) {
    const known = bitmap === 'used' ? reachability : undefined;
    const named = await namedBy(source, request.wants, wanted, pace);
    if (known || !isDoneByWalking(request.filter)) {
      await applyFilter(request.filter, objects, wanted, known, pace);
    }
    for (const number of named) wanted.add(number);
  }
  const { includeTags } = request;
  for (let k = 0; k < includeTags.length; k += 2) {
    if (!wanted.has(includeTags[k + 1])) continue;
    for (const number of source.peel(includeTags[k]).tags) if (!excluded.has(number)) wanted.add(number);
  }
  const leftOut = (request.elsewhere ?? []).filter((number) => wanted.has(number));
  for (const number of leftOut) wanted.delete(number);
  const order = new PackOrder(wanted, await sortLoose(objects, wanted.looseNumbers(), pace));
  const had = request.haves.length > 0 ? excluded : undefined;
  return { objects: order, leftOut, had, bitmap, ...walk, opened: source.opened };
}

/** What the wants name that is to be sent: tags, and what they lead to. No filter leaves it out. */
async function namedBy(
  source: CommitSource,
  wants: readonly number[],
  sent: NumberSet,
  pace: Pace,
): Promise<number[]> {
  const named: number[] = [];
  for (const want of wants) {
    const { tags, target } = source.peel(want);
    for (const number of [...tags, target]) if (sent.has(number)) named.push(number);
    if (pace.due()) await pace.pause();
  }
  return named;
}

function bitmapUse(bitmaps: Reachability | NoBitmaps, request: CountRequest): BitmapUse {
  const { haves, grafts, filter, missingPromised } = request;
  if (typeof bitmaps === 'string') return bitmaps;
  if (grafts.size > 0) return 'shallow';
  if (filter && goesByPaths(filter)) return 'filter';
  if (missingPromised) return 'incomplete';
  return haves.length === 0 || haves.some((number) => bitmaps.covers(number)) ? 'used' : 'outside';
}

/** What a count walked, and learned of paths on the way. */
type Walked = Pick<Count, 'walked' | 'hints'>;

/** Paths are looked for where no more objects are sent than this: then new deltas are worth their time. */
const MOST_HINTED = 50_000;

/** Whether new deltas are worth a search. A client that filters gets none on what it may lack. */
function mayBeHinted({ haves, filter }: CountRequest, objects: number): boolean {
  return haves.length > 0 && !filter && objects <= MOST_HINTED;
}

/** @returns undefined when the client's side cannot be known in full: something is not there */
async function markByBitmaps(
  source: CommitSource,
  request: CountRequest,
  reachability: Reachability,
  { wanted, excluded }: Marks,
  pace: Pace,
  progress: (objects: number) => void,
): Promise<Walked | undefined> {
  const counter = new BitmapCount(source, reachability, pace, progress);
  let had: Tips;
  try {
    had = await sortTips(source, request.haves, excluded, pace);
    await counter.fill(excluded, had, excluded);
  } catch (error) {
    if (error instanceof PackhorseError && error.code !== 'PACKHORSE_CANCELLED') return undefined;
    throw error;
  }
  const tips = await sortTips(source, request.wants, wanted, pace);
  await counter.fill(wanted, tips, excluded);
  wanted.subtract(excluded);
  const { walked } = counter;
  if (!mayBeHinted(request, wanted.count())) return { walked, hints: undefined };
  // Bitmaps know no paths: what is sent is walked for them, beside the trees that the client has.
  const marks = new Marks(source.objects.view, undefined, excluded);
  const commits = await walkCommits(source, tips.commits, had.commits, marks, pace, () => {});
  const trees = new TreeWalk(source.objects, marks, pace, () => {});
  const edges = [...new Set([...commits.edgeTrees, ...had.trees])];
  await trees.walk(commits.trees, edges, tips.trees);
  return { walked, hints: trees.hints };
}

async function markByWalking(
  source: CommitSource,
  request: CountRequest,
  marks: Marks,
  pace: Pace,
  progress: (objects: number) => void,
): Promise<Walked> {
  const wanted = await sortTips(source, request.wants, marks.wanted, pace);
  const had = await sortTips(source, request.haves, marks.excluded, pace);
  const commits = await walkCommits(source, wanted.commits, had.commits, marks, pace, progress);
  const edges = [...commits.edgeTrees, ...had.trees];
  // A shallow client's commits have no parents here, so they may be no one's edge and their trees still be there.
  if (request.grafts.size > 0) edges.push(...(await rootTrees(source, had.commits, pace)));
  const found = commits.trees.length;
  const seen = (n: number) => progress(found + n);
  const promised = request.missingPromised ? new PromisedObjects(source.objects) : undefined;
  const trees = new TreeWalk(source.objects, marks, pace, seen, request.filter, promised?.note);
  await trees.walk(commits.trees, [...new Set(edges)], wanted.trees);
  await promised?.settle(pace);
  const walked = found + trees.count;
  return { walked, hints: mayBeHinted(request, walked) ? trees.hints : undefined };
}

/** Puts tags and blobs into `set` at once; gives back the commits and trees they lead to, whose walk follows. */
async function sortTips(
  source: CommitSource,
  numbers: readonly number[],
  set: NumberSet,
  pace: Pace,
): Promise<Tips> {
  const commits: number[] = [];
  const trees: number[] = [];
  for (const number of numbers) {
    const { tags, target } = source.peel(number);
    for (const tag of tags) set.add(tag);
    const { type } = source.objects.header(target);
    if (type === COMMIT) commits.push(target);
    else if (type === TREE) trees.push(target);
    else if (type === BLOB) set.add(target);
    if (pace.due()) await pace.pause();
  }
  return { commits, trees };
}

async function sortLoose(objects: ObjectReader, numbers: Uint32Array, pace: Pace): Promise<Uint32Array> {
  const loose: { number: number; key: string }[] = [];
  for (const number of numbers) {
    loose.push({ number, key: `${objects.header(number).type}${objects.view.hex(number)}` });
    if (pace.due()) await pace.pause();
  }
  const sorted = await inStretches(
    sortInStretches(loose, (a, b) => (a.key < b.key ? -1 : 1)),
    pace.pauseIfDue,
  );
  return Uint32Array.from(sorted, ({ number }) => number);
}
