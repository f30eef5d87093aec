/** What a service says of itself at `/status.json`. */
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { clone } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { runGit } from '../support/git.ts';
import { createLarge, LARGE_PACK_BYTES } from '../support/large.ts';
import { cloneRequest, post, startFetch } from '../support/raw-client.ts';
import { settled } from '../support/request-log.ts';
import { pkt } from '../support/requests.ts';
import { startService } from '../support/service.ts';
import { readStatus, statusBecomes } from '../support/status.ts';

const root = temporaryDirectory();
let request: string;

beforeAll(() => {
  request = cloneRequest(createLarge(root, 'large.git'));
});

it('tells of a fetch in flight how far it is, and that its client takes nothing', async () => {
  const service = await startService(root, ['--cache-size', '0']);
  const paused = await startFetch(service, 'large.git', request);
  const { fetches, inFlight, sent } = await statusBecomes(
    service,
    ({ fetches: [first] }) => first?.stalled > 0.1,
  );
  expect(inFlight).toBe(1);
  const [fetch] = fetches;
  expect(fetch).toMatchObject({
    door: 'http',
    repository: 'large.git',
    command: 'fetch',
    kind: 'clone',
    phase: 'bytes',
    client: '127.0.0.1',
  });
  expect(fetch.bytes).toBeGreaterThan(0);
  expect(fetch.bytes).toBeLessThan(LARGE_PACK_BYTES);
  expect(sent).toBe(fetch.bytes);
  expect(fetch.age).toBeGreaterThanOrEqual(fetch.stalled);
  await paused.finish();
  await settled(service);
  const after = await readStatus(service);
  expect([after.inFlight, after.fetches]).toEqual([0, []]);
  expect(after.sent).toBeGreaterThan(LARGE_PACK_BYTES);
});

it('tells who waits for a place, and later that the wait was why it took long', async () => {
  const service = await startService(root, [
    '--inflight-memory',
    '512k',
    '--cache-size',
    '0',
    '--workers',
    '1',
  ]);
  const paused = await startFetch(service, 'large.git', request);
  const waiting = clone(service, 'large.git');
  const { fetches, lanes } = await statusBecomes(service, (status) => status.lanes.clone.queued === 1);
  expect(fetches.map(({ phase }) => phase)).toEqual(['bytes', 'queue']);
  expect(fetches[1]).toMatchObject({ kind: 'clone', bytes: expect.any(Number) });
  expect(lanes.clone.limit).toBeGreaterThan(0);
  await paused.finish();
  await waiting;
  await settled(service);
  const { slowest, cache } = await readStatus(service);
  expect(cache).toBeNull();
  const throttled = slowest.filter(({ why }) => why.some((reason) => reason.startsWith('throttled: ')));
  expect(throttled).toMatchObject([{ repository: 'large.git', kind: 'clone', outcome: 'ok' }]);
});

it('counts each answer of a connection by itself', async () => {
  const service = await startService(root, ['--git-port', '0']);
  const { git: url } = await service.logged(({ msg }) => msg === 'listening');
  const target = path.join(temporaryDirectory(), 'clone');
  expect(await runGit(root, ['clone', '-q', '--bare', `${url}/large.git`, target])).toMatchObject({
    code: 0,
  });
  await settled(service);
  const { slowest, sent, ended } = await readStatus(service);
  const commands = slowest.map(({ command, kind }) => `${command} ${kind}`).sort();
  expect(commands).toEqual(['advertise none', 'fetch clone', 'ls-refs none']);
  expect(ended).toBe(3);
  expect(sent).toBe(slowest.reduce((sum, { bytes }) => sum + bytes, 0));
});

it('tells how packs came, and how many are kept', async () => {
  const service = await startService(root, ['--cache-min-uses', '1']);
  for (let n = 0; n < 2; n++) await clone(service, 'large.git');
  await settled(service);
  const { cache } = await readStatus(service);
  expect(cache).toMatchObject({ packs: 1, hit: 1, follow: 0, miss: 1, bypass: 0 });
  expect(cache!.bytes).toBeGreaterThan(LARGE_PACK_BYTES);
});

it('says that it drains', async () => {
  const service = await startService(root);
  const paused = await startFetch(service, 'large.git', request);
  service.process.kill('SIGTERM');
  const { notReady, inFlight } = await statusBecomes(service, (status) => status.notReady !== null);
  expect([notReady, inFlight]).toEqual(['draining', 1]);
  await paused.finish();
});

it('tells no secret that a client has put where none belongs', async () => {
  const service = await startService(root);
  await post(service, 'large.git', `${pkt('command=http://ann:secret@host/\n')}0000`);
  const { slowest } = await statusBecomes(service, (status) => status.ended === 1);
  expect(slowest[0].command).toBe('http://[redacted]@host/');
});

it('lets the page do nothing but run its own script, and ask where it came from', async () => {
  const service = await startService(root);
  const page = await fetch(service.metricsUrl);
  const html = await page.text();
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const policy = page.headers.get('content-security-policy')!;
  expect(policy).toMatch(
    /^default-src 'none'; script-src 'sha256-[\w+/=]{44}'; style-src 'sha256-[\w+/=]{44}';/,
  );
  expect(policy).not.toMatch(/unsafe|\*|http/);
  expect(html.match(/https?:[^'"]*/g)).toEqual(['http://www.w3.org/2000/svg']);
  const data = await fetch(`${service.metricsUrl}/status.json`);
  for (const { headers } of [page, data]) expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(data.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect((await fetch(service.url)).status).toBe(404);
  expect((await fetch(`${service.url}/status.json`)).status).toBe(404);
});
