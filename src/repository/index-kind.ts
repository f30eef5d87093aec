/** Kinds of index files, by the names that git gives them. */
import path from 'node:path';

export type IndexKind = 'idx' | 'rev' | 'bitmap' | 'midx' | 'graph' | 'refs' | 'other';

const BY_EXTENSION = new Map<string, IndexKind>([
  ['.idx', 'idx'],
  ['.rev', 'rev'],
  ['.bitmap', 'bitmap'],
  ['.midx', 'midx'],
  ['.graph', 'graph'],
  ['.ref', 'refs'],
]);

const BY_NAME = new Map<string, IndexKind>([
  ['multi-pack-index', 'midx'],
  ['multi-pack-index-chain', 'midx'],
  ['commit-graph', 'graph'],
  ['commit-graph-chain', 'graph'],
  ['packed-refs', 'refs'],
]);

export function kindOfIndex(file: string): IndexKind {
  return BY_EXTENSION.get(path.extname(file)) ?? BY_NAME.get(path.basename(file)) ?? 'other';
}
