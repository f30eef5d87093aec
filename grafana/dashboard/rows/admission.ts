import { queueWait } from '../../alerts/load.ts';
import type { Row } from '../panel.ts';
import { quantile, sum, sumRate } from '../query.ts';

const by = 'lane';

export const admission: Row = {
  title: 'Admission',
  panels: [
    {
      title: 'Places held',
      description:
        'Of each lane, and how many there are: light is for listings, fetch for clients that have something, clone for others. Limits fall while memory, processor time or the main thread is short.',
      unit: 'short',
      view: 'lines',
      queries: [
        { expr: sum('packhorse_admission_in_progress', { by }), legend: '{{lane}} held' },
        { expr: sum('packhorse_admission_limit', { by }), legend: '{{lane}} limit' },
      ],
    },
    {
      title: 'Waiting for a place',
      description: 'Requests in the queue of each lane.',
      unit: 'short',
      view: 'stack',
      queries: [{ expr: sum('packhorse_admission_queued', { by }), legend: '{{lane}}' }],
    },
    {
      title: 'Time waited for a place, p95',
      description: 'Of those who got one. Those who did not are turned away.',
      unit: 's',
      view: 'lines',
      alert: queueWait,
      queries: [{ expr: quantile(0.95, 'packhorse_admission_wait_seconds', { by }), legend: '{{lane}}' }],
    },
    {
      title: 'Turned away',
      description:
        'mark: already when it asked for the refs, as the queue is so long. queue_full: no room to wait. queue_timeout: waited for the longest time that is allowed.',
      unit: 'reqps',
      view: 'stack',
      queries: [
        {
          expr: sumRate('packhorse_admission_rejected_total', { by: 'lane, reason' }),
          legend: '{{lane}} {{reason}}',
        },
      ],
    },
    {
      title: 'Limits lowered',
      description: 'How often places were halved, by what was short: memory, cpu, or loop (the main thread).',
      unit: 'ops',
      view: 'stack',
      queries: [
        {
          expr: sumRate('packhorse_admission_backoff_events_total', { by: 'watcher' }),
          legend: '{{watcher}}',
        },
      ],
    },
    {
      title: 'Clients let go',
      description:
        'idle: silent when it was their turn. negotiation: too slow to say what they want. stall: took no byte of their answer.',
      unit: 'ops',
      view: 'stack',
      queries: [{ expr: sumRate('packhorse_timeouts_total', { by: 'kind' }), legend: '{{kind}}' }],
    },
  ],
};
