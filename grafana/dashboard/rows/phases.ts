import type { Row } from '../panel.ts';
import { quantile, sumRate } from '../query.ts';

const PHASE = 'packhorse_fetch_phase_seconds';
const by = 'phase';

export const phases: Row = {
  title: 'Phases of fetches with a pack',
  panels: [
    {
      title: 'Time in each phase',
      description:
        'Seconds spent in a phase in each second, over all fetches: what the service is busy with. queue is for a place, wait for clients.',
      unit: 'short',
      view: 'stack',
      queries: [{ expr: sumRate(`${PHASE}_sum`, { by }), legend: '{{phase}}' }],
    },
    {
      title: 'Mean time of a fetch in each phase',
      description: 'What an average fetch is made of.',
      unit: 's',
      view: 'stack',
      queries: [
        {
          expr: `${sumRate(`${PHASE}_sum`, { by })} / ${sumRate(`${PHASE}_count`, { by })}`,
          legend: '{{phase}}',
        },
      ],
    },
    {
      title: 'Time in each phase, p95',
      description: 'One fetch of twenty spends longer than this in a phase.',
      unit: 's',
      view: 'lines',
      queries: [{ expr: quantile(0.95, PHASE, { by }), legend: '{{phase}}' }],
    },
  ],
};
