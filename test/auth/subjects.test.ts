/** Who a token names is one client to the limits, wherever they come from; another one is not held up by them. */
import { beforeAll, expect, test } from 'vitest';
import { clientName, plainSubject } from '../../src/front/auth/access.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createLarge, LARGE_PACK_BYTES } from '../support/large.ts';
import { cloneRequest, post, startFetch } from '../support/raw-client.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { type RunningService, startService } from '../support/service.ts';
import { bearer, makeTokenFile } from './tokens.ts';

const root = temporaryDirectory();
const { file, tokens } = makeTokenFile(['ann', 'ben']);
let source: string;
let service: RunningService;

beforeAll(async () => {
  source = createLarge(root, 'large.git');
  const auth = ['--auth', 'token', '--token-file', file];
  // Four streams, of which one client may have two.
  const limits = ['--inflight-memory', '1m', '--cache-size', '0'];
  service = await startService(root, ['--workers', '1', ...auth, ...limits]);
});

test('one that takes nothing of its packs is held to its share, another one is served', async () => {
  const body = cloneRequest(source);
  const ann = bearer(tokens.ann);
  const paused = [
    await startFetch(service, 'large.git', body, undefined, ann),
    await startFetch(service, 'large.git', body, undefined, ann),
  ];
  const third = post(service, 'large.git', body, ann);
  const waits = 'packhorse_admission_queued{lane="light"}';
  await metricBecomes(service, waits, (waiting) => waiting === 1);
  const served = await post(service, 'large.git', body, bearer(tokens.ben));
  expect(served.body.length).toBeGreaterThan(LARGE_PACK_BYTES);
  expect(await metric(service, waits)).toBe(1);
  for (const fetch of paused) fetch.abort();
  expect((await third).body.length).toBeGreaterThan(LARGE_PACK_BYTES);
});

test('a subject is counted apart from an address that reads the same', () => {
  expect(clientName('10.0.0.1', '10.0.0.2')).not.toBe(clientName(undefined, '10.0.0.1'));
  expect(clientName('ann', '10.0.0.1')).toBe(clientName('ann', undefined));
  expect(clientName(undefined, undefined)).toBeUndefined();
});

test.each([
  [undefined, undefined],
  ['', undefined],
  ['ann', 'ann'],
  ['ann\r\nben', 'ann ben'],
  ['x'.repeat(300), 'x'.repeat(256)],
])('%j is logged as %j', (subject, shown) => {
  expect(plainSubject(subject)).toBe(shown);
});
