/** The Prometheus metrics of the service. Fetches reach them as published records; gauges look when they are scraped. */
import { Counter, collectDefaultMetrics, Gauge, type OpenMetricsContentType, Registry } from 'prom-client';
import type { SharedBundles } from '../../channel/shared-bundles.ts';
import { INDEX_KINDS, type SharedIndexes } from '../../channel/shared-indexes.ts';
import { LOSSES } from '../../errors.ts';
import type { ByteBudget } from '../../protocol/byte-budget.ts';
import { VERSION } from '../../version.ts';
import type { Admission } from '../admission/admission.ts';
import type { MemoryWatch } from '../memory-watch.ts';
import type { WorkerPool } from '../pool.ts';
import type { LimitController } from '../pressure/limit-controller.ts';
import type { KeptPacks } from '../stream-cache/kept-packs.ts';
import { addAdmissionMetrics } from './admission-metrics.ts';
import { addBundleMetrics } from './bundle-metrics.ts';
import { addCacheMetrics } from './cache-metrics.ts';
import { addDrainMetrics, type Stopping } from './drain-metrics.ts';
import { addFetchMetrics } from './fetch-metrics.ts';
import { addReadGauge } from './read-gauge.ts';
import { addSharedCacheMetrics } from './shared-cache-metrics.ts';

export interface MetricSources {
  readonly pool: WorkerPool;
  readonly indexes: SharedIndexes;
  readonly admission: Admission;
  readonly backOffs: LimitController['backOffs'];
  readonly memory: MemoryWatch;
  readonly active: { readonly size: number };
  readonly requests: ByteBudget;
  readonly stopping: Stopping;
  /** Undefined: no pack is kept. */
  readonly packs: KeptPacks | undefined;
  /** Undefined: no bundles are made. */
  readonly bundles: SharedBundles | undefined;
  /** Whether metrics name traces. */
  readonly isTraced: boolean;
}

/** Makes the registry and begins to listen; `close` ends that. */
export function createMetrics(sources: MetricSources): { registry: Registry; close: () => void } {
  const registry = sources.isTraced ? openMetricsRegistry() : new Registry();
  collectDefaultMetrics({ register: registry });
  // Gauges by the name of counters, and the sums of those beside them.
  for (const kind of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  addGauges(registry, sources);
  addSharedCacheMetrics(registry, sources.packs?.shared);
  addDrainMetrics(registry, sources.stopping);

  const closers = [
    addAdmissionMetrics(registry, sources.admission, sources.backOffs),
    addBundleMetrics(registry, sources.bundles),
    addCacheMetrics(registry, sources.packs),
    addFetchMetrics(registry, sources.isTraced),
  ];
  const close = () => {
    for (const end of closers) end();
  };
  return { registry, close };
}

/** Exemplars are not known to the older format. The types of both differ, what is used of them here does not. */
function openMetricsRegistry(): Registry {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry as unknown as Registry;
}

/** Gauges that are read when someone asks. */
function addGauges(registry: Registry, sources: MetricSources): void {
  const { pool, indexes, admission, memory, active, requests } = sources;
  const gauge = (name: string, help: string, value: () => number) =>
    addReadGauge(registry, name, help, value);
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
