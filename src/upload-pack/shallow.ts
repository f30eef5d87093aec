/** Shallow boundaries (protocol section 5.8): what a client's history is to be cut at, and what that changes. */
import { protocolError } from '../errors.ts';
import { CommitSource } from '../pack/commit-source.ts';
import type { Pace } from '../pack/pace.ts';
import { INFINITE_DEPTH } from '../protocol/history-limits.ts';
import { COMMIT } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import type { ObjectView } from '../repository/object-view.ts';
import { type Boundary, boundaryByDepth, boundaryByLimits, depthOfFirst } from './shallow-boundary.ts';

export interface ShallowRequest {
  readonly wants: readonly number[];
  /** The client's shallow commits. */
  readonly shallow: ReadonlySet<number>;
  readonly depth: number | undefined;
  readonly deepenRelative: boolean;
  readonly since: number | undefined;
  /** Numbers of what the client names as beyond its history. */
  readonly not: readonly number[];
  /** The server's own shallow commits, hex; undefined where its history is whole. */
  readonly ownShallow: readonly string[] | undefined;
  /** Whether those that are reached are told even to a client that asks for no limit. */
  readonly announceOwn: boolean;
}

export interface ShallowPlan {
  /** Whether the client is told, be it that nothing changes. */
  readonly announced: boolean;
  /** Commits that become shallow for the client, or stop to be. */
  readonly shallow: readonly number[];
  readonly unshallow: readonly number[];
  /** Commits that the walk takes to have no parents. */
  readonly grafts: ReadonlySet<number>;
  /** What was cut off below commits that are no longer shallow: wanted now. */
  readonly wants: readonly number[];
  /** Those commits themselves, which the client has. */
  readonly excluded: readonly number[];
}

/** @throws PackhorseError `PACKHORSE_PROTOCOL` when the limits contradict each other, or leave no commit at all */
export async function planShallow(
  objects: ObjectReader,
  request: ShallowRequest,
  pace: Pace,
): Promise<ShallowPlan> {
  const { view } = objects;
  const { shallow: theirs, ownShallow, announceOwn, depth } = request;
  const limited = request.since !== undefined || request.not.length > 0;
  if (depth !== undefined && limited) {
    throw protocolError('git upload-pack: deepen and deepen-since (or deepen-not) cannot be used together');
  }
  const own = await endsOf(ownShallow, view, pace);
  const asked = depth !== undefined || limited;
  if (!asked && !(ownShallow && announceOwn)) {
    const announced = announceOwn && theirs.size > 0;
    const grafts = new Set([...own, ...theirs]);
    return { announced, shallow: [], unshallow: [], grafts, wants: [], excluded: [] };
  }
  // Who asks for nothing is told where our history ends, as far as theirs does not end before.
  const ends = asked ? own : new Set([...own, ...theirs]);
  const boundary = await findBoundary(new CommitSource(objects, ends), request, theirs, ends, pace);
  const unshallow = asked ? [...theirs].filter((number) => boundary?.isInside(number) ?? true) : [];
  return {
    announced: true,
    shallow: (boundary?.commits ?? []).filter((number) => !theirs.has(number)),
    unshallow,
    grafts: new Set([...own, ...theirs, ...(boundary?.commits ?? [])]),
    wants: await parentsOf(new CommitSource(objects), unshallow, pace),
    excluded: unshallow,
  };
}

/** The commits of a repository's own `shallow` file, as far as they are there. */
export async function endsOf(
  shallow: readonly string[] | undefined,
  view: ObjectView,
  pace: Pace,
): Promise<Set<number>> {
  const ends = new Set<number>();
  for (const hex of shallow ?? []) {
    const number = view.findHex(hex);
    if (number >= 0) ends.add(number);
    if (pace.due()) await pace.pause();
  }
  return ends;
}

/** What the client is told: lines without LF, as git writes them. */
export function* shallowLines({ shallow, unshallow }: ShallowPlan, view: ObjectView): Generator<string> {
  for (const number of shallow) yield `shallow ${view.hex(number)}`;
  for (const number of unshallow) yield `unshallow ${view.hex(number)}`;
}

/** Where history is to be cut; undefined for nowhere. */
async function findBoundary(
  source: CommitSource,
  request: ShallowRequest,
  theirs: ReadonlySet<number>,
  ends: ReadonlySet<number>,
  pace: Pace,
): Promise<Boundary | undefined> {
  const { wants, since, not, deepenRelative } = request;
  if (since !== undefined || not.length > 0) {
    const boundary = await boundaryByLimits(source, wants, { since: since ?? 0, not }, pace);
    if (boundary.empty) throw protocolError('no commits selected for shallow requests');
    return boundary;
  }
  let depth = request.depth ?? INFINITE_DEPTH;
  if (depth === INFINITE_DEPTH && !request.ownShallow) return undefined;
  if (deepenRelative && depth !== INFINITE_DEPTH) {
    const first = await depthOfFirst(source, wants, theirs, pace);
    // History that does not meet the client's end cannot be deepened from there.
    if (first === undefined) return { commits: [], isInside: () => false };
    depth += first;
  }
  return boundaryByDepth(source, wants, depth, ends, pace);
}

/**
 * The number of a commit that is shallow at the client; -1 where it is not here, and does not matter.
 * @throws PackhorseError `PACKHORSE_PROTOCOL` when it is none
 */
export function findShallow(objects: ObjectReader, hex: string): number {
  const number = objects.view.findHex(hex);
  if (number >= 0 && objects.header(number).type !== COMMIT) {
    throw protocolError(`invalid shallow object ${hex}`);
  }
  return number;
}

async function parentsOf(source: CommitSource, commits: readonly number[], pace: Pace): Promise<number[]> {
  const parents = new Set<number>();
  for (const number of commits) {
    const commit = source.read(number);
    source.checkWhole(number, commit);
    for (const parent of commit.parents) parents.add(parent);
    if (pace.due()) await pace.pause();
  }
  return [...parents];
}
