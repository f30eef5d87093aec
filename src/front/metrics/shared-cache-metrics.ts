/** Metrics of the object store by which services share packs. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { SHARED_RESULTS, SHARED_WRITES, type SharedCounts } from '../shared-cache/shared-counts.ts';

/** @param shared undefined: nothing is shared */
export function addSharedCacheMetrics(
  registry: Registry,
  shared: { readonly counts: SharedCounts; readonly isUp: boolean } | undefined,
): void {
  const registers = [registry];
  new Gauge({
    name: 'packhorse_shared_cache_up',
    help: '1: packs are looked for in the shared cache; 0: there is none, or it is left alone as it fails.',
    registers,
    collect() {
      this.set(shared?.isUp ? 1 : 0);
    },
  });
  new Counter({
    name: 'packhorse_shared_cache_requests_total',
    help: 'Requests for packs that neither lay nor were made here: found in the shared cache (hit), not there (miss), not there in time (timeout), or it failed (error), or what it had was wrong (invalid).',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const result of SHARED_RESULTS) this.inc({ result }, shared?.counts.requests[result] ?? 0);
    },
  });
  new Counter({
    name: 'packhorse_shared_cache_writes_total',
    help: 'Packs made here and kept: put into the shared cache (written), there already (present), not tried (dropped), or it failed (error).',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const result of SHARED_WRITES) this.inc({ result }, shared?.counts.writes[result] ?? 0);
    },
  });
  const bytes = (name: string, help: string, read: (counts: SharedCounts) => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(shared ? read(shared.counts) : 0);
      },
    });
  bytes(
    'packhorse_shared_cache_read_bytes_total',
    'Bytes that came from the shared cache.',
    ({ read }) => read,
  );
  bytes(
    'packhorse_shared_cache_written_bytes_total',
    'Bytes that were put into the shared cache.',
    ({ written }) => written,
  );
}
