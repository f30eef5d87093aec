/** The dashboard of the service. */
import type { Dashboard } from './panel.ts';
import { admission } from './rows/admission.ts';
import { cache } from './rows/cache.ts';
import { indexes } from './rows/indexes.ts';
import { latency } from './rows/latency.ts';
import { memory } from './rows/memory.ts';
import { node } from './rows/node.ts';
import { phases } from './rows/phases.ts';
import { traffic } from './rows/traffic.ts';
import { workers } from './rows/workers.ts';

export const service: Dashboard = {
  uid: 'packhorse',
  title: 'Packhorse',
  description: 'Traffic, latency, admission, cache, memory and workers of the git fetch server.',
  rows: [traffic, latency, phases, admission, cache, memory, workers, indexes, node],
};
