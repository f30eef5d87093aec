import type { Row } from '../panel.ts';
import { quantile, series } from '../query.ts';

const DURATION = 'packhorse_fetch_duration_seconds';
const FIRST_BYTE = 'packhorse_fetch_first_byte_seconds';
const WITH_PACK = 'command="fetch",kind!="none"';

export const latency: Row = {
  title: 'Latency and first byte',
  panels: [
    {
      title: 'Duration of fetches with a pack',
      description: 'From the request to the last byte of the answer; a slow client makes it long.',
      unit: 's',
      view: 'lines',
      exemplars: true,
      queries: [0.5, 0.95, 0.99].map((q) => ({
        expr: quantile(q, DURATION, { by: 'kind', where: WITH_PACK }),
        legend: `{{kind}} p${q * 100}`,
      })),
    },
    {
      title: 'Time to the first byte',
      description: 'From the request to the first byte of the answer, for fetches with a pack.',
      unit: 's',
      view: 'lines',
      exemplars: true,
      queries: [0.5, 0.95].map((q) => ({
        expr: quantile(q, FIRST_BYTE, { by: 'kind', where: 'kind!="none"' }),
        legend: `{{kind}} p${q * 100}`,
      })),
    },
    {
      title: 'Duration of short requests, p95',
      description: 'Requests without a pack: listings of refs, and rounds of negotiation.',
      unit: 's',
      view: 'lines',
      exemplars: true,
      queries: [
        { expr: quantile(0.95, DURATION, { by: 'command', where: 'kind="none"' }), legend: '{{command}}' },
      ],
    },
    {
      title: 'Time to authorize',
      description:
        'How long it took to find out whether a request over HTTP is allowed: a forge may be slow to say.',
      unit: 's',
      view: 'lines',
      queries: [0.5, 0.95].map((q) => ({
        expr: quantile(q, 'packhorse_authorize_seconds'),
        legend: `p${q * 100}`,
      })),
    },
    {
      title: 'Durations of fetches with a pack',
      description: 'How many fetches took how long.',
      unit: 's',
      view: 'heatmap',
      span: 16,
      queries: [
        {
          expr: `sum by (le) (increase(${series(`${DURATION}_bucket`, WITH_PACK)}[$__rate_interval]))`,
          legend: '{{le}}',
        },
      ],
    },
  ],
};
