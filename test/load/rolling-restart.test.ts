/** Instances that are restarted one after the other: no client notices. */
import { expect, test } from 'vitest';
import { FORM, report, SCENARIO_TIMEOUT } from './form.ts';
import { type RestartOptions, restartUnderLoad } from './rolling-restart.ts';

const OPTIONS: Readonly<Record<typeof FORM, RestartOptions>> = {
  short: { rounds: 1, clients: 3 },
  long: { rounds: 10, clients: 6 },
};

test('a rolling restart behind a proxy: no client fails', { timeout: SCENARIO_TIMEOUT }, async () => {
  const { clones, restarts, exits, failures } = await restartUnderLoad(OPTIONS[FORM]);
  report('rolling restart', { restarts, 'clones meanwhile': clones, 'of them failed': failures.length });
  expect(failures.join('\n\n')).toBe('');
  expect(exits.every((code) => code === 0)).toBe(true);
});
