/** Stage one of a pack: which objects (`count`). */
import { BLOB, COMMIT, TREE } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { FIRST_LOOSE } from '../repository/object-view.ts';
import { CommitSource } from './commit-source.ts';
import { EXCLUDED, Marks, WANTED } from './marks.ts';
import type { Pace } from './pace.ts';
import { rootTrees, walkCommits } from './walk-commits.ts';
import { TreeWalk } from './walk-trees.ts';

export interface CountRequest {
  /** Numbers of objects of any type to send with all that they reach. */
  readonly wants: readonly number[];
  /** Numbers of objects that the client has, with all that they reach. */
  readonly haves: readonly number[];
  /** Commits taken to have no parents: shallow boundaries of either side. */
  readonly grafts: ReadonlySet<number>;
  /** Tag objects to add when what they point at in the end is sent. */
  readonly includeTags: readonly { readonly tag: number; readonly target: number }[];
}

export interface Count {
  /**
   * The objects to send, in the order of the pack: packed ones by pack and offset, then loose ones by type and id.
   * However the set is found, its order is this one.
   */
  readonly objects: Uint32Array;
  /** Whether the client surely has an object, so that it may be the base of a delta. */
  readonly clientHas: (number: number) => boolean;
}

/**
 * @param progress called now and then with the number of objects found so far
 * @throws PackhorseError `PACKHORSE_OBJECT_MISSING`, `PACKHORSE_REPOSITORY_CORRUPT`, `PACKHORSE_CANCELLED`
 */
export async function count(
  objects: ObjectReader,
  request: CountRequest,
  pace: Pace,
  progress: (objects: number) => void,
): Promise<Count> {
  const marks = new Marks(objects.view);
  const source = new CommitSource(objects, request.grafts);
  const wanted = await sortWants(source, request.wants, marks, WANTED, pace);
  const had = await sortWants(source, request.haves, marks, EXCLUDED, pace);

  const commits = await walkCommits(source, wanted.commits, had.commits, marks, pace, progress);
  const edges = [...commits.edgeTrees, ...had.trees];
  // A shallow client's commits have no parents here, so they may be no one's edge and their trees still be there.
  if (request.grafts.size > 0) edges.push(...rootTrees(source, had.commits));
  const found = commits.trees.length;
  const trees = new TreeWalk(objects, marks, pace, (n) => progress(found + n));
  await trees.walk([...commits.trees, ...wanted.trees], [...new Set(edges)]);

  const isSent = (number: number) => (marks.get(number) & (WANTED | EXCLUDED)) === WANTED;
  for (const { tag, target } of request.includeTags) {
    if (!isSent(target)) continue;
    for (const number of source.peel(tag).tags) marks.add(number, WANTED);
  }
  const selected = marks.select(WANTED | EXCLUDED, WANTED);
  await sortLoose(objects, selected, pace);
  return { objects: selected, clientHas: (number) => marks.has(number, EXCLUDED) };
}

/** Marks tags and blobs at once; gives back the commits and trees they lead to, whose walk follows. */
async function sortWants(
  source: CommitSource,
  numbers: readonly number[],
  marks: Marks,
  mark: number,
  pace: Pace,
) {
  const commits: number[] = [];
  const trees: number[] = [];
  for (const number of numbers) {
    const { tags, target } = source.peel(number);
    for (const tag of tags) marks.add(tag, mark);
    const { type } = source.objects.header(target);
    if (type === COMMIT) commits.push(target);
    else if (type === TREE) trees.push(target);
    else if (type === BLOB) marks.add(target, mark);
    if (pace.due()) await pace.pause();
  }
  return { commits, trees };
}

async function sortLoose(objects: ObjectReader, selected: Uint32Array, pace: Pace): Promise<void> {
  let first = selected.length;
  while (first > 0 && selected[first - 1] >= FIRST_LOOSE) first--;
  const loose: { number: number; key: string }[] = [];
  for (const number of selected.subarray(first)) {
    loose.push({ number, key: `${objects.header(number).type}${objects.view.hex(number)}` });
    if (pace.due()) await pace.pause();
  }
  loose.sort((a, b) => (a.key < b.key ? -1 : 1));
  loose.forEach(({ number }, i) => {
    selected[first + i] = number;
  });
}
