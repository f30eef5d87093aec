/** A service that is told to stop under load. */
import { expect, test } from 'vitest';
import { type DrainOptions, drainWithClones } from './drain.ts';
import { FORM, report, SCENARIO_TIMEOUT } from './form.ts';

const OPTIONS: Readonly<Record<typeof FORM, DrainOptions>> = {
  short: { clients: 20 },
  long: { clients: 60 },
};

test('SIGTERM with clones in flight: all of them finish', { timeout: SCENARIO_TIMEOUT }, async () => {
  const { clients } = OPTIONS[FORM];
  const { inFlight, readiness, exit, failures } = await drainWithClones({ clients });
  report('drain', { 'clones in flight at SIGTERM': inFlight, 'of them failed': failures.length });
  expect(failures.join('\n\n')).toBe('');
  expect(inFlight).toBe(clients);
  expect(readiness).toBe(503);
  expect(exit).toEqual([0, null]);
});
