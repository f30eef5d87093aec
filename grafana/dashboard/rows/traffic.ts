import { errorRatioHigh } from '../../alerts/failures.ts';
import { drainTooLong } from '../../alerts/lifecycle.ts';
import { refusals } from '../../alerts/load.ts';
import type { Row } from '../panel.ts';
import { series, sum, sumRate } from '../query.ts';

const REQUESTS = 'packhorse_fetch_requests_total';

export const traffic: Row = {
  title: 'Traffic and outcome',
  panels: [
    {
      title: 'Requests by command',
      description:
        'Requests answered. A clone is an advertisement, an ls-refs and a fetch; a fetch may take several rounds.',
      unit: 'reqps',
      view: 'stack',
      queries: [{ expr: sumRate(REQUESTS, { by: 'command' }), legend: '{{command}}' }],
    },
    {
      title: 'Packs sent, by kind',
      description:
        'Fetches that were answered with a pack: clones, fetches by those who have something, shallow and partial ones.',
      unit: 'reqps',
      view: 'stack',
      queries: [
        {
          expr: sumRate(REQUESTS, { by: 'kind', where: 'command="fetch",kind!="none"' }),
          legend: '{{kind}}',
        },
      ],
    },
    {
      title: 'Requests by door',
      description: 'How clients come: over HTTP, git:// or SSH.',
      unit: 'reqps',
      view: 'stack',
      queries: [{ expr: sumRate(REQUESTS, { by: 'door' }), legend: '{{door}}' }],
    },
    {
      title: 'Requests that did not end well',
      description:
        'error: the service failed. limited: turned away, to come again. rejected: the client asked for what it may not have. client_aborted: it went away.',
      unit: 'reqps',
      view: 'stack',
      queries: [
        { expr: sumRate(REQUESTS, { by: 'outcome', where: 'outcome!="ok"' }), legend: '{{outcome}}' },
      ],
    },
    {
      title: 'Share of errors',
      description: 'Requests that failed through the service, of all requests.',
      unit: 'percentunit',
      view: 'lines',
      alert: errorRatioHigh,
      queries: [
        {
          expr: `${sumRate(REQUESTS, { where: 'outcome="error"' })} / ${sumRate(REQUESTS)}`,
          legend: 'errors',
        },
      ],
    },
    {
      title: 'Share turned away',
      description: 'Requests that were told to come again, of all requests: the service is full, or ends.',
      unit: 'percentunit',
      view: 'lines',
      alert: refusals,
      queries: [
        {
          expr: `${sumRate(REQUESTS, { where: 'outcome="limited"' })} / ${sumRate(REQUESTS)}`,
          legend: 'turned away',
        },
      ],
    },
    {
      title: 'Requests in progress',
      description: 'Requests being answered, those included that wait for a place or for a slow client.',
      unit: 'short',
      view: 'stack',
      queries: [{ expr: series('packhorse_fetches_in_progress'), legend: '{{instance}}' }],
    },
    {
      title: 'Draining',
      description: 'Instances that finish what they have and take nothing new.',
      unit: 'short',
      view: 'number',
      span: 4,
      queries: [{ expr: sum('packhorse_draining'), legend: '' }],
    },
    {
      title: 'Longest drain',
      description:
        'Share of the time that an instance may take to stop that is over; at 100 % clones are cut off.',
      unit: 'percentunit',
      view: 'lines',
      span: 4,
      alert: drainTooLong,
      queries: [
        {
          expr: `max(${series('packhorse_drain_seconds')} / ${series('packhorse_drain_limit_seconds')})`,
          legend: 'over',
        },
      ],
    },
    {
      title: 'Versions',
      description: 'Versions of the service and of Node.js that run.',
      unit: 'short',
      view: 'name',
      queries: [
        {
          expr: `count by (version, node) (${series('packhorse_build_info')})`,
          legend: '{{version}} on Node.js {{node}}',
        },
      ],
    },
  ],
};
