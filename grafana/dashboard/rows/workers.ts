import { workerRestarts } from '../../alerts/restarts.ts';
import type { Row } from '../panel.ts';
import { series, sum } from '../query.ts';

export const workers: Row = {
  title: 'Workers',
  panels: [
    {
      title: 'Worker threads',
      description: 'busy: how many were at work since the last scrape, by time.',
      unit: 'short',
      view: 'lines',
      queries: [
        { expr: sum('packhorse_worker_busy'), legend: 'busy' },
        { expr: sum('packhorse_worker_threads'), legend: 'threads' },
      ],
    },
    {
      title: 'Tasks',
      description:
        'running: taken by a worker; one that waits for its client costs no CPU. queued: not yet taken.',
      unit: 'short',
      view: 'lines',
      queries: [
        { expr: sum('packhorse_pool_tasks'), legend: 'running' },
        { expr: sum('packhorse_pool_queued'), legend: 'queued' },
      ],
    },
    {
      title: 'Workers lost in the last hour',
      description:
        'crash: an exception that nothing caught. memory: the heap was full. hang: no sign of life.',
      unit: 'short',
      view: 'lines',
      span: 4,
      alert: workerRestarts,
      queries: [
        {
          expr: `sum by (instance, reason) (increase(${series('packhorse_worker_restarts_total')}[1h]))`,
          legend: '{{instance}} {{reason}}',
        },
      ],
    },
    {
      title: 'Refusing work',
      description: 'Instances that refuse new work because workers are lost one after the other.',
      unit: 'short',
      view: 'number',
      span: 4,
      queries: [{ expr: sum('packhorse_breaker_open'), legend: '' }],
    },
  ],
};
