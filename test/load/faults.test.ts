/** Workers that are lost, and a disk that fails, under load: who is hit is told the truth, and served the next time. */
import { expect, test } from 'vitest';
import { type FaultFigures, type FaultsOptions, fetchDespiteFaults, isLoss } from './faults.ts';
import { FORM, report, SCENARIO_TIMEOUT } from './form.ts';

const OPTIONS: Readonly<Record<typeof FORM, FaultsOptions>> = {
  short: { rounds: 1, clients: 4 },
  long: { rounds: 5, clients: 6 },
};

test('faults under load: clients are told the truth, and served when they come again', {
  timeout: SCENARIO_TIMEOUT,
}, async () => {
  const { figures, failures, log } = await fetchDespiteFaults(OPTIONS[FORM]);
  const faults = [...new Set(figures.map(({ fault }) => fault))];
  const sum = (fault: string, what: 'struck' | 'clones' | 'failed') =>
    figures.reduce((total, each: FaultFigures) => total + (each.fault === fault ? each[what] : 0), 0);
  report('faults under load', {
    ...Object.fromEntries(
      faults.map((fault) => [
        fault,
        `struck ${sum(fault, 'struck')}, tries that failed ${sum(fault, 'failed')}, clones that did not ${sum(fault, 'clones')}`,
      ]),
    ),
    'workers lost': log.filter(isLoss).length,
    'failed for good': failures.length,
  });
  expect(failures.join('\n\n')).toBe('');
  // Clients of other workers, and those for whom there was another copy, went on.
  expect(figures.reduce((total, { clones }) => total + clones, 0)).toBeGreaterThan(0);
});
