/** The Prometheus metrics of the service. Fetches reach them as published records; gauges look when they are scraped. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { INDEX_KINDS, type SharedIndexes } from '../../channel/shared-indexes.ts';
import { LOSSES } from '../../errors.ts';
import type { ByteBudget } from '../../protocol/byte-budget.ts';
import { BITMAP_USES, FETCH_KINDS, SOURCES } from '../../upload-pack/statistics.ts';
import { VERSION } from '../../version.ts';
import type { Admission } from '../admission/admission.ts';
import { DOORS, type FetchRecord, fetchEnded, OUTCOMES } from '../events.ts';
import type { MemoryWatch } from '../memory-watch.ts';
import type { WorkerPool } from '../pool.ts';
import type { LimitController } from '../pressure/limit-controller.ts';
import type { KeptPacks } from '../stream-cache/kept-packs.ts';
import { addAdmissionMetrics } from './admission-metrics.ts';
import { addBundleMetrics } from './bundle-metrics.ts';
import { addCacheMetrics } from './cache-metrics.ts';
import { addSharedCacheMetrics } from './shared-cache-metrics.ts';

/** Seconds; a clone may take half an hour. */
const SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];
/** Bytes: powers of 4 from 1 KiB to 16 GiB. */
const PACK_SIZES = Array.from({ length: 13 }, (_, i) => 1024 * 4 ** i);
const COMMANDS = ['advertise', 'ls-refs', 'fetch', 'object-info', 'bundle-uri', 'bundle', 'file', 'none'];

export interface MetricSources {
  readonly pool: WorkerPool;
  readonly indexes: SharedIndexes;
  readonly admission: Admission;
  readonly backOffs: LimitController['backOffs'];
  readonly memory: MemoryWatch;
  readonly active: { readonly size: number };
  readonly requests: ByteBudget;
  readonly isDraining: () => boolean;
  /** Undefined: no pack is kept. */
  readonly packs: KeptPacks | undefined;
}

/** Makes the registry and begins to listen; `close` ends that. */
export function createMetrics(sources: MetricSources): { registry: Registry; close: () => void } {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  addGauges(registry, sources);
  const closeAdmission = addAdmissionMetrics(registry, sources.admission, sources.backOffs);
  const observeCache = addCacheMetrics(registry, sources.packs);
  const closeBundles = addBundleMetrics(registry);
  addSharedCacheMetrics(registry, sources.packs?.shared);

  const requests = new Counter({
    name: 'packhorse_fetch_requests_total',
    help: 'Requests answered, by door, command, kind of fetch and outcome.',
    labelNames: ['door', 'command', 'kind', 'outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'packhorse_fetch_duration_seconds',
    help: 'Time from request to the last byte of its answer.',
    labelNames: ['command', 'kind'],
    buckets: SECONDS,
    registers,
  });
  const firstByte = new Histogram({
    name: 'packhorse_fetch_first_byte_seconds',
    help: 'Time from request to the first byte of its answer.',
    labelNames: ['kind'],
    buckets: SECONDS,
    registers,
  });
  const phase = new Histogram({
    name: 'packhorse_fetch_phase_seconds',
    help: 'Time that fetches with a pack spent in each phase; wait is for the client.',
    labelNames: ['phase'],
    buckets: SECONDS,
    registers,
  });
  const packBytes = new Counter({
    name: 'packhorse_pack_bytes_total',
    help: 'Bytes of packs sent, by where they came from.',
    labelNames: ['source'],
    registers,
  });
  const packObjects = new Counter({
    name: 'packhorse_pack_objects_total',
    help: 'Objects in packs sent, by where they came from.',
    labelNames: ['source'],
    registers,
  });
  const packSize = new Histogram({
    name: 'packhorse_pack_size_bytes',
    help: 'Size of the packs sent.',
    buckets: PACK_SIZES,
    registers,
  });
  const bitmaps = new Counter({
    name: 'packhorse_pack_bitmap_total',
    help: 'Packs sent, by whether bitmaps said which objects to send, or why not.',
    labelNames: ['use'],
    registers,
  });
  const ignored = new Counter({
    name: 'packhorse_index_ignored_total',
    help: 'Times that a damaged or stale index file was passed over, by kind.',
    labelNames: ['kind'],
    registers,
  });
  const stalled = new Counter({
    name: 'packhorse_stream_stalled_seconds_total',
    help: 'Time that workers waited for clients to take bytes.',
    registers,
  });
  const timeouts = new Counter({
    name: 'packhorse_timeouts_total',
    help: 'Clients let go: silent in their turn, slow to say what they want, or taking nothing.',
    labelNames: ['kind'],
    registers,
  });

  // A series that begins with its first event has no rate for it.
  for (const door of DOORS) {
    for (const outcome of OUTCOMES) {
      for (const command of ['advertise', 'ls-refs'])
        requests.inc({ door, command, kind: 'none', outcome }, 0);
      for (const kind of FETCH_KINDS) requests.inc({ door, command: 'fetch', kind, outcome }, 0);
    }
  }
  for (const use of BITMAP_USES) bitmaps.inc({ use }, 0);
  for (const [kind] of IGNORED_KINDS) ignored.inc({ kind }, 0);
  for (const kind of TIMEOUT_KINDS.values()) timeouts.inc({ kind }, 0);

  const observe = (published: unknown) => {
    const record = published as FetchRecord;
    // What a client calls its command must not become a series.
    const command = COMMANDS.includes(record.command) ? record.command : 'invalid';
    const kind = record.statistics?.kind ?? 'none';
    requests.inc({ door: record.door, command, kind, outcome: record.outcome });
    duration.observe({ command, kind }, record.seconds);
    observeCache(record);
    if (record.firstByte !== undefined) firstByte.observe({ kind }, record.firstByte);
    const { statistics, error } = record;
    const timeout = error && TIMEOUT_KINDS.get(error.code);
    if (timeout) timeouts.inc({ kind: timeout });
    if (!statistics) return;
    stalled.inc(statistics.phases.wait);
    for (const file of statistics.ignored) ignored.inc({ kind: kindOfIgnored(file) });
    if (statistics.bitmap) bitmaps.inc({ use: statistics.bitmap });
    if (kind === 'none') return;
    for (const [name, seconds] of Object.entries(statistics.phases)) phase.observe({ phase: name }, seconds);
    for (const source of SOURCES) {
      packBytes.inc({ source }, statistics.bytes[source]);
      packObjects.inc({ source }, statistics.objects[source]);
    }
    if (record.outcome === 'ok') packSize.observe(statistics.bytes.total);
  };
  fetchEnded.subscribe(observe);
  const close = () => {
    closeAdmission();
    closeBundles();
    fetchEnded.unsubscribe(observe);
  };
  return { registry, close };
}

const TIMEOUT_KINDS: ReadonlyMap<string, string> = new Map([
  ['PACKHORSE_IDLE', 'idle'],
  ['PACKHORSE_NEGOTIATION_TIMEOUT', 'negotiation'],
  ['PACKHORSE_STALLED', 'stall'],
]);

/** By what stands in the path before the reason. */
const IGNORED_KINDS = [
  ['bitmap', /\.bitmap: /],
  ['rev', /\.rev: /],
  ['midx', /multi-pack-index/],
  ['graph', /commit-graph/],
  ['entries', /\/entries: /],
  ['other', /./],
] as const;

function kindOfIgnored(file: string): string {
  return IGNORED_KINDS.find(([, pattern]) => pattern.test(file))?.[0] ?? 'other';
}

/** Gauges that are read when someone asks. */
function addGauges(registry: Registry, sources: MetricSources): void {
  const { pool, indexes, admission, memory, active, requests, isDraining } = sources;
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge(
    'packhorse_stream_inflight_bytes',
    'Bytes handed over by workers that clients have not taken yet.',
    () => Math.max(0, admission.streams.bytes),
  );
  gauge('packhorse_request_memory_bytes', 'Bytes of request bodies held.', () => requests.held);
  gauge('packhorse_fetches_in_progress', 'Requests being answered.', () => active.size);
  gauge('packhorse_worker_threads', 'Worker threads.', () => pool.threads);
  gauge('packhorse_worker_busy', 'Worker threads at work, by the share of time since the last scrape.', () =>
    pool.busy(),
  );
  gauge('packhorse_pool_tasks', 'Tasks that workers have taken.', () => pool.running);
  gauge('packhorse_pool_queued', 'Tasks that no worker has taken yet.', () => pool.queued);
  gauge('packhorse_draining', '1 while the service finishes what it has and takes nothing new.', () =>
    isDraining() ? 1 : 0,
  );
  gauge('packhorse_memory_limit_bytes', 'The memory limit that is nearest.', () => memory.use.limit);
  gauge('packhorse_index_memory_bytes', 'Bytes of index files that the workers hold, each file once.', () =>
    Number(Atomics.load(indexes.held, 0)),
  );
  gauge('packhorse_breaker_open', '1 while new work is refused because workers are lost.', () =>
    pool.breaker.isOpen ? 1 : 0,
  );
  new Counter({
    name: 'packhorse_worker_restarts_total',
    help: 'Workers that were lost and replaced, by how they were lost.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const reason of LOSSES) this.inc({ reason }, pool.restarts[reason]);
    },
  });
  new Counter({
    name: 'packhorse_index_loads_total',
    help: 'Index files read from disk by workers, by kind.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      this.reset();
      for (const kind of INDEX_KINDS) this.inc({ kind }, Number(Atomics.load(indexes.loads[kind], 0)));
    },
  });
  new Gauge({
    name: 'packhorse_memory_bytes',
    help: 'Memory at the last sample, by kind; used counts against the limit, rss is the whole process, heap and external the main thread.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const [kind, bytes] of Object.entries(memory.now)) this.set({ kind }, bytes);
    },
  });
  new Gauge({
    name: 'packhorse_memory_high_water_bytes',
    help: 'The most memory seen by the watch since the start, by kind.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const [kind, bytes] of Object.entries(memory.high)) this.set({ kind }, bytes);
    },
  });
  new Gauge({
    name: 'packhorse_build_info',
    help: 'Version of the service and of Node.js; always 1.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version: VERSION, node: process.version }, 1);
}
