import type { Row } from '../panel.ts';
import { rate, series } from '../query.ts';

export const node: Row = {
  title: 'Node.js',
  panels: [
    {
      title: 'Processor time',
      description: 'Processors in use by the whole process, workers included.',
      unit: 'short',
      view: 'stack',
      queries: [
        { expr: rate('process_cpu_user_seconds_total'), legend: '{{instance}} user' },
        { expr: rate('process_cpu_system_seconds_total'), legend: '{{instance}} system' },
      ],
    },
    {
      title: 'Event loop lag',
      description: 'Of the main thread, which frames and writes every stream.',
      unit: 's',
      view: 'lines',
      queries: [
        { expr: series('nodejs_eventloop_lag_p50_seconds'), legend: '{{instance}} p50' },
        { expr: series('nodejs_eventloop_lag_p99_seconds'), legend: '{{instance}} p99' },
      ],
    },
    {
      title: 'Heap of the main thread',
      description: 'Used, and taken from the system.',
      unit: 'bytes',
      view: 'lines',
      queries: [
        { expr: series('nodejs_heap_size_used_bytes'), legend: '{{instance}} used' },
        { expr: series('nodejs_heap_size_total_bytes'), legend: '{{instance}} taken' },
      ],
    },
    {
      title: 'Garbage collection',
      description: 'Share of the time that the main thread collected garbage, by kind.',
      unit: 'percentunit',
      view: 'stack',
      queries: [
        {
          expr: `sum by (instance, kind) (${rate('nodejs_gc_duration_seconds_sum')})`,
          legend: '{{instance}} {{kind}}',
        },
      ],
    },
    {
      title: 'Open files',
      description: 'Files and sockets, and how many are allowed.',
      unit: 'short',
      view: 'lines',
      queries: [
        { expr: series('process_open_fds'), legend: '{{instance}} open' },
        { expr: series('process_max_fds'), legend: '{{instance}} allowed' },
      ],
    },
    {
      title: 'Up for',
      description: 'Time since the process was started. One that falls to 0 was restarted.',
      unit: 's',
      view: 'lines',
      queries: [{ expr: `time() - ${series('process_start_time_seconds')}`, legend: '{{instance}}' }],
    },
  ],
};
