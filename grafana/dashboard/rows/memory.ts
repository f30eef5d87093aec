import { memoryNearLimit } from '../../alerts/memory.ts';
import type { Row } from '../panel.ts';
import { quantile, series, sum, sumRate } from '../query.ts';

const MEMORY = 'packhorse_memory_bytes';
const HIGH = 'packhorse_memory_high_water_bytes';
const LIMIT = 'packhorse_memory_limit_bytes';

export const memory: Row = {
  title: 'Memory and pack bytes',
  panels: [
    {
      title: 'Resident memory and its limit',
      description: 'rss is the whole process, workers included; high water is the most since the start.',
      unit: 'bytes',
      view: 'lines',
      queries: [
        { expr: series(MEMORY, 'kind="rss"'), legend: '{{instance}} rss' },
        { expr: series(HIGH, 'kind="rss"'), legend: '{{instance}} high water' },
        { expr: series(LIMIT), legend: '{{instance}} limit' },
      ],
    },
    {
      title: 'Share of the memory limit',
      description:
        'Of what counts against it: RSS, or the working set of the container, whichever is nearer to its limit. The service logs a warning from --memory-warn-ratio on.',
      unit: 'percentunit',
      view: 'lines',
      alert: memoryNearLimit,
      queries: [
        {
          expr: `${series(MEMORY, 'kind="used"')} / ignoring (kind) ${series(LIMIT)}`,
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: 'Heap and external memory',
      description: 'Of the main thread: its heap, and buffers outside of it.',
      unit: 'bytes',
      view: 'lines',
      queries: [
        { expr: series(MEMORY, 'kind="heap"'), legend: '{{instance}} heap' },
        { expr: series(MEMORY, 'kind="external"'), legend: '{{instance}} external' },
      ],
    },
    {
      title: 'Bytes in flight',
      description: 'Handed over by workers and not yet taken by clients, and how many may be.',
      unit: 'bytes',
      view: 'lines',
      queries: [
        { expr: series('packhorse_stream_inflight_bytes'), legend: '{{instance}} in flight' },
        { expr: series(HIGH, 'kind="inflight"'), legend: '{{instance}} high water' },
        { expr: series('packhorse_stream_inflight_limit_bytes'), legend: '{{instance}} limit' },
      ],
    },
    {
      title: 'Bytes for one client',
      description: 'That may be in flight to one: a share of all, which falls with the number of streams.',
      unit: 'bytes',
      view: 'lines',
      queries: [{ expr: series('packhorse_stream_window_bytes'), legend: '{{instance}}' }],
    },
    {
      title: 'Request bodies held',
      description: 'Within --request-memory.',
      unit: 'bytes',
      view: 'lines',
      queries: [{ expr: series('packhorse_request_memory_bytes'), legend: '{{instance}}' }],
    },
    {
      title: 'Pack bytes by source',
      description:
        'verbatim: runs copied as they lie. delta, stream: single entries copied. made: new deltas. kept: compressed for an earlier pack. deflated: compressed afresh, which costs CPU. cache: made for another request.',
      unit: 'Bps',
      view: 'stack',
      queries: [{ expr: sumRate('packhorse_pack_bytes_total', { by: 'source' }), legend: '{{source}}' }],
    },
    {
      title: 'Objects by source',
      description: 'Objects in packs sent.',
      unit: 'ops',
      view: 'stack',
      queries: [{ expr: sumRate('packhorse_pack_objects_total', { by: 'source' }), legend: '{{source}}' }],
    },
    {
      title: 'Size of packs',
      description: 'Of those that were sent whole.',
      unit: 'bytes',
      view: 'lines',
      queries: [0.5, 0.95, 0.99].map((q) => ({
        expr: quantile(q, 'packhorse_pack_size_bytes'),
        legend: `p${q * 100}`,
      })),
    },
    {
      title: 'Streams that are stalled',
      description: 'Their clients take nothing; they have given their place to others.',
      unit: 'short',
      view: 'lines',
      span: 12,
      queries: [{ expr: sum('packhorse_streams_stalled'), legend: 'stalled' }],
    },
    {
      title: 'Waiting for clients',
      description: 'Seconds in each second that fetches waited for their clients to take bytes.',
      unit: 'short',
      view: 'lines',
      span: 12,
      queries: [{ expr: sumRate('packhorse_stream_stalled_seconds_total'), legend: 'stalled' }],
    },
  ],
};
