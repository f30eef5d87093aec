/** What a filter comes to for the count: what is walked, and what of it is sent. */
import { BLOB, COMMIT, type ObjectType, TAG, TREE } from '../repository/object-format.ts';
import type { Filter } from './filter.ts';
import type { SparsePatterns } from './sparse-patterns.ts';

/** An object is sent when all of this holds for it. */
export interface FilterPlan {
  /** It is of one of these types. */
  readonly types: readonly ObjectType[];
  /** A blob has fewer bytes. */
  readonly blobLimit: number;
  /** A tree or a blob stands less deep somewhere; root trees are at depth 0. */
  readonly depth: number;
  /** A blob stands there at a path that each of these matches. */
  readonly patterns: readonly SparsePatterns[];
}

/** Leaves out nothing. */
export const NO_FILTER: FilterPlan = {
  types: [COMMIT, TREE, BLOB, TAG],
  blobLimit: Number.POSITIVE_INFINITY,
  depth: Number.POSITIVE_INFINITY,
  patterns: [],
};

/** @param openPatterns reads the blob that a filter names; what it throws is thrown on */
export function planFilter(filter: Filter, openPatterns: (blob: string) => SparsePatterns): FilterPlan {
  let { types, blobLimit, depth } = NO_FILTER;
  const patterns: SparsePatterns[] = [];
  const drop = (...dropped: ObjectType[]) => {
    types = types.filter((type) => !dropped.includes(type));
  };
  for (const part of filter.kind === 'combine' ? filter.parts : [filter]) {
    if (part.kind === 'blob:none') drop(BLOB);
    else if (part.kind === 'blob:limit') blobLimit = Math.min(blobLimit, part.bytes);
    else if (part.kind === 'tree') depth = Math.min(depth, part.depth);
    else if (part.kind === 'sparse:oid') patterns.push(openPatterns(part.blob));
    else drop(...types.filter((type) => type !== part.type));
  }
  if (blobLimit === 0) drop(BLOB);
  if (depth === 0) drop(TREE, BLOB);
  if (!sendsContents({ types })) return { ...NO_FILTER, types };
  if (!types.includes(BLOB)) return { ...NO_FILTER, types, depth };
  return { types, blobLimit, depth, patterns };
}

/** Whether any trees or blobs are sent that no want names. */
export function sendsContents({ types }: Pick<FilterPlan, 'types'>): boolean {
  return types.includes(TREE) || types.includes(BLOB);
}

/** Whether it matters where trees and blobs stand: bitmaps do not say. */
export function goesByPaths({ depth, patterns }: FilterPlan): boolean {
  return depth < Number.POSITIVE_INFINITY || patterns.length > 0;
}

/** Whether a walk that meets only what matters has left out all that the filter does. */
export function isDoneByWalking({ types, blobLimit }: FilterPlan): boolean {
  const trees = types.includes(TREE) || !types.includes(BLOB);
  return types.includes(COMMIT) && types.includes(TAG) && trees && blobLimit === Number.POSITIVE_INFINITY;
}
