/** The dashboard of a fleet: a line for each instance, to see which one is not like the others. */
import { memoryNearLimit } from '../alerts/memory.ts';
import type { Dashboard } from './panel.ts';
import { quantile, series, sum, sumRate } from './query.ts';

const by = 'instance';
const legend = '{{instance}}';
const REQUESTS = 'packhorse_fetch_requests_total';
const CACHE = 'packhorse_cache_requests_total';
const WITH_PACK = 'command="fetch",kind!="none"';
const packs = sumRate(REQUESTS, { by, where: WITH_PACK });

export const replicas: Dashboard = {
  uid: 'packhorse-replicas',
  title: 'Packhorse replicas',
  description: 'Which instance has the load, which one is slow, and which one is not well.',
  rows: [
    {
      title: 'Who does the work',
      panels: [
        {
          title: 'Packs sent',
          description: 'Fetches that were answered with a pack.',
          unit: 'reqps',
          view: 'stack',
          queries: [{ expr: packs, legend }],
        },
        {
          title: 'Unevenness',
          description:
            'Packs sent by the busiest instance, of the mean of all: 1 where all have the same. Where the balancer hashes by repository, a repository that everyone clones makes it large.',
          unit: 'short',
          view: 'lines',
          queries: [{ expr: `max(${packs}) / avg(${packs})`, legend: 'busiest of the mean' }],
        },
        {
          title: 'Bytes of packs made',
          description: 'What workers have made; what the cache has sent is not in it.',
          unit: 'Bps',
          view: 'stack',
          queries: [
            { expr: sumRate('packhorse_pack_bytes_total', { by, where: 'source!="cache"' }), legend },
          ],
        },
        {
          title: 'Places held and wanted',
          description:
            'Of the places for clones and fetches: above 100 % some wait. What autoscaling goes by.',
          unit: 'percentunit',
          view: 'lines',
          queries: [
            {
              expr: `(${['in_progress', 'queued']
                .map((state) => sum(`packhorse_admission_${state}`, { by, where: 'lane!="light"' }))
                .join(' + ')}) / ${sum('packhorse_admission_limit', { by, where: 'lane!="light"' })}`,
              legend,
            },
          ],
        },
        {
          title: 'Share of packs that were not made anew',
          description: 'Hits and follows, of all requests for packs. One that is new fills its cache first.',
          unit: 'percentunit',
          view: 'lines',
          queries: [
            {
              expr: `${sumRate(CACHE, { by, where: 'result=~"hit|follow"' })} / ${sumRate(CACHE, { by })}`,
              legend,
            },
          ],
        },
        {
          title: 'Time to the first byte, p95',
          description: 'Of fetches with a pack.',
          unit: 's',
          view: 'lines',
          queries: [
            {
              expr: quantile(0.95, 'packhorse_fetch_first_byte_seconds', { by, where: 'kind!="none"' }),
              legend,
            },
          ],
        },
      ],
    },
    {
      title: 'Who is not well',
      panels: [
        {
          title: 'Errors and refusals',
          description: 'error: the service failed. limited: turned away, to come again.',
          unit: 'reqps',
          view: 'lines',
          queries: [
            {
              expr: sumRate(REQUESTS, { by: `${by}, outcome`, where: 'outcome=~"error|limited"' }),
              legend: `${legend} {{outcome}}`,
            },
          ],
        },
        {
          title: 'Share of the memory limit',
          description: 'Of what counts against it.',
          unit: 'percentunit',
          view: 'lines',
          alert: memoryNearLimit,
          queries: [
            {
              expr: `${series('packhorse_memory_bytes', 'kind="used"')} / ignoring (kind) ${series('packhorse_memory_limit_bytes')}`,
              legend,
            },
          ],
        },
        {
          title: 'Workers busy',
          description: 'Share of the worker threads that were at work since the last scrape.',
          unit: 'percentunit',
          view: 'lines',
          queries: [
            { expr: `${series('packhorse_worker_busy')} / ${series('packhorse_worker_threads')}`, legend },
          ],
        },
        {
          title: 'Event loop lag, p99',
          description: 'Of the main thread, which frames and writes every stream.',
          unit: 's',
          view: 'lines',
          queries: [{ expr: series('nodejs_eventloop_lag_p99_seconds'), legend }],
        },
        {
          title: 'Up for',
          description: 'Time since the process was started.',
          unit: 's',
          view: 'lines',
          queries: [{ expr: `time() - ${series('process_start_time_seconds')}`, legend }],
        },
        {
          title: 'Stopping for',
          description: 'Time since it was told to stop; 0 where it was not.',
          unit: 's',
          view: 'lines',
          queries: [{ expr: series('packhorse_drain_seconds'), legend }],
        },
      ],
    },
  ],
};
