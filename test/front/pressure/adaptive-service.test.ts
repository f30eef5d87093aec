import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameRepository } from '../../support/clone.ts';
import { temporaryDirectory } from '../../support/directory.ts';
import { createLarge } from '../../support/large.ts';
import { cloneRequest, startFetch } from '../../support/raw-client.ts';
import { metric, metricBecomes } from '../../support/request-log.ts';
import { parseFetchAnswer } from '../../support/requests.ts';
import { startService } from '../../support/service.ts';

const root = temporaryDirectory();
/** Less memory than the service has when it does nothing. */
const LITTLE = ['--clone-limit', '4', '--fetch-limit', '2', '--memory-limit', '20m'];
let source: string;

beforeAll(() => {
  source = createLarge(root, 'large.git');
});

test('in too little memory the limits fall to 1, unless they are to stay', async () => {
  const fixed = await startService(root, [...LITTLE, '--adaptive-limits', 'off']);
  const service = await startService(root, LITTLE);
  const line = await service.logged(({ msg, limits }) => msg === 'limits lowered' && limits.clone === 1);
  expect(line.limits).toEqual({ fetch: 1, clone: 1 });
  expect(line.signals.memory).toBeGreaterThan(1);
  for (const lane of ['fetch', 'clone']) {
    expect(await metric(service, `packhorse_admission_limit{lane="${lane}"}`)).toBe(1);
  }
  const backOffs = 'packhorse_admission_backoff_events_total{watcher="memory"}';
  expect(await metric(service, backOffs)).toBeGreaterThan(1);
  expect(await metric(fixed, 'packhorse_admission_limit{lane="clone"}')).toBe(4);
});

test('in too little memory one clone after the other is served', async () => {
  // Who would follow another's pack needs no place.
  const service = await startService(root, [...LITTLE, '--cache-size', '0']);
  await service.logged(({ msg }) => msg === 'limits lowered');
  const stalled = await startFetch(service, 'large.git', cloneRequest(source));
  // The place that it gives back is not given to others, who would take memory as well.
  await metricBecomes(service, 'packhorse_streams_stalled', (n) => n === 1);
  const clones = [1, 2, 3].map(() => clone(service, 'large.git'));
  await metricBecomes(service, 'packhorse_admission_queued{lane="clone"}', (n) => n === 3);
  expect(await metric(service, 'packhorse_admission_in_progress{lane="clone"}')).toBe(0);

  expect(parseFetchAnswer(await stalled.finish()).complete).toBe(true);
  for (const cloned of await Promise.all(clones)) expectSameRepository(source, cloned);
});
