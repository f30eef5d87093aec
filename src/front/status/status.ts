/** What the status page shows. It is put together when someone asks. */
import { VERSION } from '../../version.ts';
import type { ActiveFetches } from '../active-fetches.ts';
import type { Admission } from '../admission/admission.ts';
import { LANES } from '../admission/lane.ts';
import type { FetchRecord } from '../events.ts';
import type { LiveAnswer } from '../live-answer.ts';
import type { MemoryWatch } from '../memory-watch.ts';
import type { WorkerPool } from '../pool.ts';
import type { KeptPacks } from '../stream-cache/kept-packs.ts';
import type { FetchHistory } from './fetch-history.ts';

export interface StatusSources {
  readonly pool: Pick<WorkerPool, 'threads' | 'running' | 'queued'>;
  readonly admission: Pick<Admission, 'lanes' | 'streams'>;
  readonly memory: Pick<MemoryWatch, 'now' | 'use'>;
  readonly active: ActiveFetches;
  readonly history: FetchHistory;
  /** Undefined: no packs are kept. */
  readonly packs: KeptPacks | undefined;
  /** Why the service should get no new work; undefined when it may. */
  readonly notReady: () => string | undefined;
}

export type Status = ReturnType<typeof readStatus>;

/** Fetches in flight that are told one by one: those that began first. */
const MOST_FETCHES = 200;

/** Sizes in bytes, times in seconds but for those since 1970, which are in milliseconds. */
export function readStatus({ pool, admission, memory, active, history, packs, notReady }: StatusSources) {
  const { lanes, streams } = admission;
  const fetches: ReturnType<typeof inFlight>[] = [];
  let { sent } = history;
  for (const [record, live] of active.entries()) {
    sent += live?.sent ?? 0;
    if (fetches.length < MOST_FETCHES) fetches.push(inFlight(record, live));
  }
  return {
    version: VERSION,
    now: Date.now(),
    uptime: process.uptime(),
    notReady: notReady() ?? null,
    workers: { threads: pool.threads, running: pool.running, queued: pool.queued },
    lanes: Object.fromEntries(
      LANES.map((name) => {
        const { running, queued, limit } = lanes[name];
        return [name, { running, queued, limit }];
      }),
    ),
    memory: {
      used: memory.use.used,
      limit: memory.use.limit,
      rss: memory.now.rss,
      inflight: Math.max(0, streams.bytes),
      inflightLimit: streams.limit,
    },
    cache: packs ? { bytes: packs.store.bytes, packs: packs.store.entries, ...history.cache } : null,
    /** Since the start. */
    ended: history.fetches,
    sent,
    inFlight: active.size,
    fetches,
    slowest: history.slowest(),
  };
}

function inFlight(
  { id, door, repository, subject, command, client, started, authorized }: FetchRecord,
  live: LiveAnswer | undefined,
) {
  const isAuthorized = door !== 'http' || authorized !== undefined;
  return {
    id,
    door,
    repository,
    command,
    /** Who asks, where authorization says so. */
    subject: subject ?? null,
    client,
    kind: live?.kind ?? 'none',
    phase: live?.phase ?? (isAuthorized ? 'request' : 'authorize'),
    ahead: live?.ahead ?? 0,
    bytes: live?.sent ?? 0,
    stalled: live?.stalled ?? 0,
    age: (performance.now() - started) / 1000,
  };
}
