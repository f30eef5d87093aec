/** Shallow boundaries (protocol section 5.8). */

import { protocolError } from '../errors.ts';
import { CommitSource } from '../pack/commit-source.ts';
import type { Pace } from '../pack/pace.ts';
import { INFINITE_DEPTH } from '../protocol/fetch-request.ts';
import { COMMIT } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';

export interface ShallowRequest {
  readonly wants: readonly number[];
  /** The client's shallow commits, hex. */
  readonly shallow: readonly string[];
  readonly depth: number | undefined;
  /** The server's own shallow commits, hex. */
  readonly ownShallow: readonly string[];
}

export interface ShallowPlan {
  /** Whether the response has a `shallow-info` section. */
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

/** @throws PackhorseError `PACKHORSE_PROTOCOL` when the client calls something shallow that is no commit */
export async function planShallow(
  objects: ObjectReader,
  request: ShallowRequest,
  pace: Pace,
): Promise<ShallowPlan> {
  const { view } = objects;
  const theirs = new Set<number>();
  for (const hex of request.shallow) {
    const number = view.findHex(hex);
    if (number < 0) continue;
    if (objects.header(number).type !== COMMIT) throw protocolError(`invalid shallow object ${hex}`);
    theirs.add(number);
  }
  const own = new Set(request.ownShallow.map((hex) => view.findHex(hex)).filter((number) => number >= 0));
  const announced = request.depth !== undefined || theirs.size > 0 || request.ownShallow.length > 0;
  const none = { announced, unshallow: [], wants: [], excluded: [] };
  if (request.depth === undefined && own.size === 0) return { ...none, shallow: [], grafts: theirs };

  const source = new CommitSource(objects, own);
  const depth = request.depth ?? INFINITE_DEPTH;
  if (depth === INFINITE_DEPTH && own.size === 0) return unshallow(objects, [...theirs], [], theirs);
  const { boundary, inside } = await findBoundary(source, request.wants, depth, own, pace);
  const shallow = boundary.filter((number) => !theirs.has(number));
  const grafts = new Set([...own, ...theirs, ...boundary]);
  if (request.depth === undefined) return { ...none, shallow, grafts };
  return unshallow(
    objects,
    [...theirs].filter((number) => inside.has(number)),
    shallow,
    grafts,
  );
}

function unshallow(
  objects: ObjectReader,
  commits: readonly number[],
  shallow: readonly number[],
  grafts: ReadonlySet<number>,
): ShallowPlan {
  const source = new CommitSource(objects);
  const wants = new Set<number>();
  for (const number of commits) {
    const commit = source.read(number);
    source.checkWhole(number, commit);
    for (const parent of commit.parents) wants.add(parent);
  }
  return { announced: true, shallow, unshallow: commits, grafts, wants: [...wants], excluded: commits };
}

/** Breadth first from the wants, which are at depth 1. What is met above `depth` is inside, what is at it, boundary. */
async function findBoundary(
  source: CommitSource,
  wants: readonly number[],
  depth: number,
  own: ReadonlySet<number>,
  pace: Pace,
): Promise<{ boundary: number[]; inside: Set<number> }> {
  const met = new Set<number>();
  const inside = new Set<number>();
  const boundary: number[] = [];
  let level: number[] = [];
  for (const want of wants) {
    const { target } = source.peel(want);
    if (source.objects.header(target).type === COMMIT && !met.has(target)) {
      met.add(target);
      level.push(target);
    }
  }
  for (let at = 1; level.length > 0; at++) {
    const below: number[] = [];
    for (const number of level) {
      if (at >= depth || own.has(number)) {
        boundary.push(number);
        continue;
      }
      inside.add(number);
      const commit = source.read(number);
      source.checkWhole(number, commit);
      for (const parent of commit.parents) {
        if (met.has(parent)) continue;
        met.add(parent);
        below.push(parent);
      }
      if (pace.due()) await pace.pause();
    }
    level = below;
  }
  return { boundary, inside };
}
