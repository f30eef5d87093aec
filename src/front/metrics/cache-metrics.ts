/** Metrics of the stream cache. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { type FetchRecord, fetchEnded } from '../events.ts';
import type { KeptPacks } from '../stream-cache/kept-packs.ts';
import { CACHE_RESULTS } from '../stream-cache/stream-cache.ts';

/**
 * Begins to listen; the function returned ends it.
 * @param packs undefined: no pack is kept
 */
export function addCacheMetrics(registry: Registry, packs: KeptPacks | undefined): () => void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: (packs: KeptPacks) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(packs ? value(packs) : 0);
      },
    });
  gauge(
    'packhorse_cache_up',
    '1: packs are kept for those who ask for the same; 0: they are not, or the disk fails.',
    ({ store }) => (store.isOff ? 0 : 1),
  );
  gauge(
    'packhorse_cache_bytes',
    'Bytes of packs on disk, of those too that are being made.',
    ({ store }) => store.bytes,
  );
  gauge('packhorse_cache_entries', 'Packs that are kept whole.', ({ store }) => store.entries);
  const evicted = (name: string, help: string, what: 'streams' | 'bytes') =>
    new Counter({
      name,
      help,
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset();
        for (const [reason, sum] of Object.entries(packs?.evicted ?? {})) this.inc({ reason }, sum[what]);
      },
    });
  evicted(
    'packhorse_cache_evictions_total',
    'Packs that were kept and are not any more, by why they left.',
    'streams',
  );
  evicted('packhorse_cache_evicted_bytes_total', 'Their bytes.', 'bytes');
  const requests = new Counter({
    name: 'packhorse_cache_requests_total',
    help: 'Requests for packs: sent from a file (hit) or from what was being made for another one (follow), made (miss), or made without a look at the cache (bypass).',
    labelNames: ['result'],
    registers,
  });
  for (const result of CACHE_RESULTS) requests.inc({ result }, 0);
  const served = new Counter({
    name: 'packhorse_cache_served_bytes_total',
    help: 'Bytes sent to clients whose packs were made for others.',
    registers,
  });
  const observe = (published: unknown) => {
    const { statistics, bytes } = published as FetchRecord;
    const result = statistics?.cache;
    if (!result) return;
    requests.inc({ result });
    if (result === 'hit' || result === 'follow') served.inc(bytes);
  };
  fetchEnded.subscribe(observe);
  return () => void fetchEnded.unsubscribe(observe);
}
