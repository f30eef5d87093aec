/** Many more clones at once than are let in. */
import { expect, test } from 'vitest';
import { FORM, megabytes, report, SCENARIO_TIMEOUT } from './form.ts';
import { type StormClient, type StormOptions, storm } from './storm.ts';

const OPTIONS: Readonly<Record<typeof FORM, StormOptions>> = {
  short: { crowd: 34, others: 6, limit: 2, queue: 24, bytes: 6e6 },
  long: { crowd: 270, others: 30, limit: 8, queue: 256, bytes: 12e6 },
};

/** Bytes; in the short form coarse. */
const MOST_MEMORY: Readonly<Record<typeof FORM, number>> = { short: 400e6, long: 500e6 };

test('a storm of clones: everyone is served, and no one waits for a crowd', {
  timeout: SCENARIO_TIMEOUT,
}, async () => {
  const options = OPTIONS[FORM];
  const { clients, idle, peak, log } = await storm(options);
  const of = (kind: StormClient['kind']) => clients.filter((client) => client.kind === kind);
  const most = (list: readonly StormClient[], what: 'refusals' | 'overtaken') =>
    Math.max(...list.map((client) => client[what]));
  const failures = clients.flatMap(({ failure }) => failure ?? []);
  report('storm of clones', {
    'clients at once': options.crowd,
    'clients of others': options.others,
    places: options.limit,
    'room in the queue': options.queue,
    refusals: clients.reduce((sum, { refusals }) => sum + refusals, 0),
    'most refusals of a client': most(clients, 'refusals'),
    'most of the crowd served before one of another repository': most(of('other repository'), 'overtaken'),
    'most of the crowd served before one of another client': most(of('other client'), 'overtaken'),
    'idle RSS, MB': megabytes(idle),
    'most RSS, MB': megabytes(peak),
    'failed for good': failures.length,
  });
  expect(failures.join('\n\n')).toBe('');
  expect(log.filter(({ outcome }) => outcome === 'error')).toEqual([]);
  // Turn by turn with the crowd, after those of the crowd who are being served.
  const turns = options.others + 3 * options.limit;
  expect(most(of('other repository'), 'overtaken')).toBeLessThanOrEqual(turns);
  expect(most(of('other client'), 'overtaken')).toBeLessThanOrEqual(turns);
  expect(peak).toBeLessThan(MOST_MEMORY[FORM]);
});
