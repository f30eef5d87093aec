import type { Row } from '../panel.ts';
import { rate, series, sumRate } from '../query.ts';

const REQUESTS = 'packhorse_cache_requests_total';

export const cache: Row = {
  title: 'Cache',
  panels: [
    {
      title: 'Requests for packs',
      description:
        'hit: sent from a file. follow: sent as it was made for another client. miss: made. bypass: made without a look at the cache.',
      unit: 'reqps',
      view: 'stack',
      queries: [{ expr: sumRate(REQUESTS, { by: 'result' }), legend: '{{result}}' }],
    },
    {
      title: 'Share of packs that were not made anew',
      description: 'Hits and follows, of all requests for packs.',
      unit: 'percentunit',
      view: 'lines',
      queries: [
        {
          expr: `${sumRate(REQUESTS, { by: 'instance', where: 'result=~"hit|follow"' })} / ${sumRate(REQUESTS, { by: 'instance' })}`,
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: 'Bytes sent that were made for others',
      description: 'By hits and follows.',
      unit: 'Bps',
      view: 'stack',
      queries: [{ expr: rate('packhorse_cache_served_bytes_total'), legend: '{{instance}}' }],
    },
    {
      title: 'Bytes kept',
      description: 'On disk, within nine tenths of --cache-size.',
      unit: 'bytes',
      view: 'lines',
      queries: [{ expr: series('packhorse_cache_bytes'), legend: '{{instance}}' }],
    },
    {
      title: 'Packs kept',
      description: 'Whole ones.',
      unit: 'short',
      view: 'lines',
      queries: [{ expr: series('packhorse_cache_entries'), legend: '{{instance}}' }],
    },
    {
      title: 'Caches in use',
      description:
        '0: nothing is kept, as --cache-size says so or the disk fails; nothing is shared, or the store fails.',
      unit: 'short',
      view: 'lines',
      queries: [
        { expr: series('packhorse_cache_up'), legend: '{{instance}} own' },
        { expr: series('packhorse_shared_cache_up'), legend: '{{instance}} shared' },
      ],
    },
    {
      title: 'Bytes that left the cache',
      description:
        'age: not used for long. budget: for want of room; much of it says that --cache-size is too small. damaged: a check failed. purged: by hand.',
      unit: 'Bps',
      view: 'stack',
      span: 12,
      queries: [
        { expr: sumRate('packhorse_cache_evicted_bytes_total', { by: 'reason' }), legend: '{{reason}}' },
      ],
    },
    {
      title: 'Packs that left the cache',
      description: 'By why they left, as for their bytes.',
      unit: 'ops',
      view: 'stack',
      span: 12,
      queries: [{ expr: sumRate('packhorse_cache_evictions_total', { by: 'reason' }), legend: '{{reason}}' }],
    },
    {
      title: 'Shared cache',
      description:
        'What came of looking for packs there, and of putting them there. Many timeouts say that it is too slow to be of use; invalid says that something else writes to the bucket.',
      unit: 'reqps',
      view: 'lines',
      span: 12,
      queries: [
        {
          expr: sumRate('packhorse_shared_cache_requests_total', { by: 'result' }),
          legend: 'read: {{result}}',
        },
        {
          expr: sumRate('packhorse_shared_cache_writes_total', { by: 'result' }),
          legend: 'write: {{result}}',
        },
      ],
    },
    {
      title: 'Bytes of the shared cache and of bundles',
      description: 'Bytes from and to the object store, and bytes of bundles that clients took.',
      unit: 'Bps',
      view: 'lines',
      span: 12,
      queries: [
        { expr: sumRate('packhorse_shared_cache_read_bytes_total'), legend: 'shared, read' },
        { expr: sumRate('packhorse_shared_cache_written_bytes_total'), legend: 'shared, written' },
        { expr: sumRate('packhorse_bundle_served_bytes_total'), legend: 'bundles' },
      ],
    },
  ],
};
