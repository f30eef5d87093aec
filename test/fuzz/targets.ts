/** All targets. */
import type { Target } from './target.ts';
import { bitmap } from './targets/bitmap.ts';
import { commitGraph } from './targets/commit-graph.ts';
import { config } from './targets/config.ts';
import { delta } from './targets/delta.ts';
import { entries } from './targets/entries.ts';
import { filter } from './targets/filter.ts';
import { gitRequest } from './targets/git-request.ts';
import { gzip } from './targets/gzip.ts';
import { idx, rev } from './targets/idx.ts';
import { loose } from './targets/loose.ts';
import { midx } from './targets/midx.ts';
import { pack } from './targets/pack.ts';
import { packedRefs } from './targets/packed-refs.ts';
import { pktLine } from './targets/pkt-line.ts';
import { reftable } from './targets/reftable.ts';
import { repository } from './targets/repository.ts';
import { v0Request, v2Request } from './targets/requests.ts';
import { smallFiles } from './targets/small-files.ts';
import { tree } from './targets/tree.ts';

export const TARGETS: readonly Target[] = [
  pktLine,
  v0Request,
  v2Request,
  gitRequest,
  gzip,
  config,
  packedRefs,
  smallFiles,
  repository,
  reftable,
  idx,
  rev,
  pack,
  entries,
  delta,
  midx,
  bitmap,
  commitGraph,
  loose,
  tree,
  filter,
];

export function findTarget(name: string): Target | undefined {
  return TARGETS.find((target) => target.name === name);
}
