/** Many more clones at once than are let in. */
import { expect, test } from 'vitest';
import { FORM, megabytes, report, SCENARIO_TIMEOUT } from './form.ts';
import { type Served, type StormOptions, storm } from './storm.ts';

const OPTIONS: Readonly<Record<typeof FORM, StormOptions>> = {
  short: { crowd: 34, others: 6, limit: 2, queue: 24, bytes: 3e6 },
  long: { crowd: 270, others: 30, limit: 8, queue: 256, bytes: 4e6 },
};

/** Bytes; in the short form coarse. */
const MOST_MEMORY: Readonly<Record<typeof FORM, number>> = { short: 400e6, long: 500e6 };

test('a storm of clones: everyone is served, and no one waits for a crowd', {
  timeout: SCENARIO_TIMEOUT,
}, async () => {
  const options = OPTIONS[FORM];
  const { clients, served, idle, peak, log } = await storm(options);
  const failures = clients.flatMap(({ failure }) => failure ?? []);
  const refusals = clients.map((client) => client.refusals);
  report('storm of clones', {
    'clients at once': options.crowd,
    'clients of others': options.others,
    places: options.limit,
    'room in the queue': options.queue,
    'failed for good': failures.length,
    refusals: refusals.reduce((sum, count) => sum + count),
    'most refusals of a client': Math.max(...refusals),
    'longest wait in the queue, s': Math.round(
      Math.max(...served.map(({ came, placed }) => (placed - came) / 1000)),
    ),
    'most of the crowd who came later and were first': mostBefore(served, 'crowd'),
    'most of the crowd before one of another repository': mostBefore(served, 'other repository'),
    'most of the crowd before one of another client': mostBefore(served, 'other client'),
    'idle RSS, MB': megabytes(idle),
    'most RSS, MB': megabytes(peak),
  });
  expect(failures.join('\n\n')).toBe('');
  expect(log.filter(({ outcome }) => outcome === 'error')).toEqual([]);
  expect(served).toHaveLength(options.crowd + options.others);
  // When a client got in line is not exactly when its request came.
  expect(mostBefore(served, 'crowd')).toBeLessThanOrEqual(options.crowd / 4);
  const turns = options.others + 2 * options.limit;
  expect(mostBefore(served, 'other repository')).toBeLessThanOrEqual(turns);
  expect(mostBefore(served, 'other client')).toBeLessThanOrEqual(turns);
  expect(peak).toBeLessThan(MOST_MEMORY[FORM]);
});

/**
 * Of the crowd, the most who got their places while one of that kind stood in line; for one of the crowd itself those
 * alone who came after it.
 */
function mostBefore(served: readonly Served[], kind: Served['kind']): number {
  const crowd = served.filter((each) => each.kind === 'crowd');
  const counts = served
    .filter((each) => each.kind === kind)
    .map(({ came, placed }) => {
      const since = crowd.filter((other) => other.placed > came && other.placed < placed);
      return since.filter((other) => kind !== 'crowd' || other.came > came).length;
    });
  return Math.max(...counts);
}
