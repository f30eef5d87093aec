/** All rules. */
import { bitmapsAbsent, cacheHitRatioHalved, cacheRecordings } from './cache.ts';
import { errorRatioHigh, errorRatioRaised, failureRecordings } from './failures.ts';
import { drainTooLong, noTargets, targetDown } from './lifecycle.ts';
import { loadRecordings, queueWait, refusals } from './load.ts';
import { memoryNearLimit, memoryRecordings } from './memory.ts';
import { breakerOpen, processRestarts, workerRestarts } from './restarts.ts';
import type { RuleGroup } from './rule.ts';

/** Recordings come before the alerts of their group: rules of a group are evaluated in their order. */
export const RULE_GROUPS: readonly RuleGroup[] = [
  {
    name: 'packhorse-failures',
    recordings: failureRecordings,
    alerts: [errorRatioHigh, errorRatioRaised],
  },
  { name: 'packhorse-load', recordings: loadRecordings, alerts: [refusals, queueWait] },
  { name: 'packhorse-cache', recordings: cacheRecordings, alerts: [cacheHitRatioHalved, bitmapsAbsent] },
  { name: 'packhorse-memory', recordings: memoryRecordings, alerts: [memoryNearLimit] },
  { name: 'packhorse-restarts', recordings: [], alerts: [workerRestarts, breakerOpen, processRestarts] },
  { name: 'packhorse-lifecycle', recordings: [], alerts: [drainTooLong, targetDown, noTargets] },
];

export const ALERTS = RULE_GROUPS.flatMap(({ alerts }) => alerts);
export const RECORDINGS = RULE_GROUPS.flatMap(({ recordings }) => recordings);
