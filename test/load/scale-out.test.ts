/** Replicas that come, go and are restarted behind the deployed proxy: no client notices, and caches stay warm. */
import { expect, test } from 'vitest';
import { FORM, report, SCENARIO_TIMEOUT } from './form.ts';
import { type ScaleOptions, scaleUnderLoad } from './scale-out.ts';

const OPTIONS: Readonly<Record<typeof FORM, ScaleOptions>> = {
  short: { rounds: 1, clients: 3 },
  long: { rounds: 6, clients: 6 },
};

test('scaling out and in, and a rolling restart: no clone fails', { timeout: SCENARIO_TIMEOUT }, async () => {
  const { rounds } = OPTIONS[FORM];
  const { clones, exits, failures, requests, reloads } = await scaleUnderLoad(OPTIONS[FORM]);
  // The first that is asked is the one that the ring gives to the repository.
  const atHome = requests.filter(({ tried }) => tried.length === 1).length;
  report('scaling out', {
    'replicas added, removed': rounds,
    'replicas restarted': exits.length - rounds,
    'clones meanwhile': clones,
    'of them failed': failures.length,
    requests: requests.length,
    "answered by their repository's replica": `${((100 * atHome) / requests.length).toFixed(1)} %`,
  });
  expect(failures.join('\n\n')).toBe('');
  expect(exits.every((code) => code === 0)).toBe(true);
  expect(reloads).toBe(2 * rounds);
});
