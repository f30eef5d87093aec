import type { Row } from '../panel.ts';
import { series, sumRate } from '../query.ts';

export const indexes: Row = {
  title: 'Indexes and bitmaps',
  panels: [
    {
      title: 'Packs by use of bitmaps',
      description:
        'used: bitmaps said what to send. absent, unusable, off, shallow, filter, outside, incomplete: why they did not, so that history was walked.',
      unit: 'cps',
      view: 'stack',
      span: 12,
      queries: [{ expr: sumRate('packhorse_pack_bitmap_total', { by: 'use' }), legend: '{{use}}' }],
    },
    {
      title: 'Index files ignored',
      description:
        'Damaged or stale files that were passed over: fetches are right, and slower. The log names each file once.',
      unit: 'cps',
      view: 'stack',
      span: 12,
      queries: [{ expr: sumRate('packhorse_index_ignored_total', { by: 'kind' }), legend: '{{kind}}' }],
    },
    {
      title: 'Index files held',
      description:
        'Pack indexes, bitmaps, commit-graphs and packed refs, each once for all workers, within --index-memory.',
      unit: 'bytes',
      view: 'lines',
      span: 12,
      queries: [{ expr: series('packhorse_index_memory_bytes'), legend: '{{instance}}' }],
    },
    {
      title: 'Index files read',
      description: 'Reads from disk: many under a steady load say that --index-memory is too small.',
      unit: 'cps',
      view: 'stack',
      span: 12,
      queries: [{ expr: sumRate('packhorse_index_loads_total', { by: 'kind' }), legend: '{{kind}}' }],
    },
  ],
};
