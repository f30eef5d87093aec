/** More clients than there is room for: who waits is told so, who is turned away learns when to come again. */
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { createLarge } from '../support/large.ts';
import { cloneRequest, post, send, startFetch } from '../support/raw-client.ts';
import { metric, metricBecomes, settled } from '../support/request-log.ts';
import { parseFetchAnswer, pkt } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
/** No client follows another one's pack. */
const ALONE = ['--cache-size', '0'];
/** So little memory that one pack at a time may be on its way, and one listing beside it. */
const ONE_PACK = ['--workers', '1', '--inflight-memory', '512k', ...ALONE];
const INFO_REFS = '/info/refs?service=git-upload-pack';
let source: string;
let request: string;

beforeAll(() => {
  source = createLarge(root, 'large.git');
  request = cloneRequest(source);
  const small = createRepository(root, 'small.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a' } });
  history.importInto(small);
});

/** A client that has begun its clone and takes no more. */
function stall(service: RunningService) {
  return startFetch(service, 'large.git', request);
}

function queued(service: RunningService, count: number): Promise<void> {
  return metricBecomes(service, 'packhorse_admission_queued{lane="clone"}', (n) => n === count);
}

test('a client that takes nothing gives its place to the next, and gets it back', async () => {
  const service = await startService(root, ['--workers', '1', '--clone-limit', '1', ...ALONE]);
  const stalled = await stall(service);
  await metricBecomes(service, 'packhorse_streams_stalled', (n) => n === 1);
  expect(await metric(service, 'packhorse_admission_in_progress{lane="clone"}')).toBe(0);
  expectSameRepository(source, await clone(service, 'large.git'));
  expect(parseFetchAnswer(await stalled.finish()).complete).toBe(true);
  await metricBecomes(service, 'packhorse_fetches_in_progress', (n) => n === 0);
  for (const lane of ['light', 'fetch', 'clone']) {
    expect(await metric(service, `packhorse_admission_in_progress{lane="${lane}"}`)).toBe(0);
  }
  expect(await metric(service, 'packhorse_streams_stalled')).toBe(0);
});

test('a clone that waits hears so, and is served in its turn', async () => {
  const service = await startService(root, ONE_PACK);
  const stalled = await stall(service);
  const target = path.join(temporaryDirectory(), 'clone');
  const waiting = runGit(root, ['clone', '--progress', '--mirror', `${service.url}/large.git`, target]);
  await queued(service, 1);
  expect(parseFetchAnswer(await stalled.finish()).complete).toBe(true);
  const { code, stderr } = await waiting;
  expect(code).toBe(0);
  expect(stderr).toContain('remote: waiting, 0 ahead');
  expectSameRepository(source, target);
  await settled(service);
  const [, line] = service.log.filter(({ outcome, command }) => command === 'fetch' && outcome === 'ok');
  expect(line.statistics.phases.queue).toBeGreaterThan(0);
});

test('while one waits or its objects are counted, keepalives go out as uploadpack.keepAlive says', async () => {
  const service = await startService(root, [...ONE_PACK, '--git-config', 'uploadpack.keepAlive=1']);
  const stalled = await stall(service);
  const quiet = request.replace(pkt('ofs-delta\n'), pkt('no-progress\n'));
  const waits = await startFetch(service, 'large.git', quiet);
  await queued(service, 1);
  // Each answer has come with its head when it began to wait: what comes now is a keepalive.
  await once(waits.socket, 'data');
  await stalled.finish();
  const body = await waits.finish();
  expect(body.toString('latin1')).toContain('packfile\n0005\u0001');
  expect(body.toString('latin1')).not.toContain('waiting');
  expect(parseFetchAnswer(body).complete).toBe(true);
});

describe('turned away', () => {
  test('at the queue, in words that git prints; at the door with 429 and when to come again', async () => {
    const service = await startService(root, [...ONE_PACK, '--queue', '1']);
    const stalled = await stall(service);
    const waits = startFetch(service, 'large.git', request);
    await queued(service, 1);

    const late = await post(service, 'large.git', request);
    expect(late.status).toBe(200);
    expect(late.body.toString()).toMatch(
      /^....ERR the server is busy \(1 are waiting\); try again in \d+ s$/,
    );

    const door = await send(service, {
      path: `/large.git${INFO_REFS}`,
      headers: { 'Git-Protocol': 'version=2' },
    });
    expect(door.status).toBe(429);
    expect(Number(door.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(door.headers['retry-after'])).toBeLessThanOrEqual(300);
    expect(door.headers['content-type']).toMatch(/^text\/plain/);
    const { code, stderr } = await runGit(root, ['ls-remote', `${service.url}/large.git`]);
    expect(code).toBe(128);
    expect(stderr).toContain('remote: the server is busy');

    expect(
      await metric(service, 'packhorse_admission_rejected_total{lane="clone",reason="queue_full"}'),
    ).toBe(1);
    expect(await metric(service, 'packhorse_admission_rejected_total{lane="clone",reason="mark"}')).toBe(2);
    const lines = service.log.filter(({ outcome }) => outcome === 'limited');
    expect(lines.every(({ error }) => error.code === 'PACKHORSE_BUSY')).toBe(true);
    await stalled.finish();
    expect(parseFetchAnswer(await (await waits).finish()).complete).toBe(true);
  });

  test('with 429 where a proxy is to ask elsewhere', async () => {
    const service = await startService(root, [...ONE_PACK, '--queue', '0', '--refuse-with', '429']);
    const stalled = await stall(service);
    const late = await post(service, 'large.git', request);
    expect(late.status).toBe(429);
    expect(late.headers['retry-after']).toMatch(/^\d+$/);
    expect(late.body.toString()).toMatch(/^the server is busy/);
    await stalled.finish();
  });

  test('after the longest wait, on band 3 as the answer has begun', async () => {
    const service = await startService(root, [...ONE_PACK, '--queue-wait', '1']);
    const stalled = await stall(service);
    const { body } = await post(service, 'large.git', request);
    expect(parseFetchAnswer(body).lastWords).toMatch(
      /^the server is busy \(no place was free for 1 seconds\)/,
    );
    expect(
      await metric(service, 'packhorse_admission_rejected_total{lane="clone",reason="queue_timeout"}'),
    ).toBe(1);
    await stalled.finish();
  });

  test('at git:// in an ERR line', async () => {
    const service = await startService(root, [...ONE_PACK, '--queue', '0', '--git-port', '0']);
    const stalled = await stall(service);
    const { port } = new URL((await service.logged(({ msg }) => msg === 'listening')).git);
    const socket = net.connect(Number(port), '127.0.0.1');
    socket.write(pkt('git-upload-pack /large.git\0host=x\0\0version=2\0'));
    expect(await text(socket)).toMatch(/^....ERR the server is busy \(0 are waiting\); try again in \d+ s$/);
    await stalled.finish();
  });
});

test('who leaves the queue is forgotten, and is no error', async () => {
  const service = await startService(root, ONE_PACK);
  const stalled = await stall(service);
  const waits = await startFetch(service, 'large.git', request);
  await queued(service, 1);
  waits.abort();
  const line = await service.logged(({ outcome }) => outcome === 'client_aborted');
  expect(line.error.code).toBe('PACKHORSE_CANCELLED');
  await queued(service, 0);
  await stalled.finish();
  expectSameRepository(source, await clone(service, 'large.git'));
});

test('listings and small repositories are served while clones wait', async () => {
  const service = await startService(root, [
    '--workers',
    '1',
    '--inflight-memory',
    '1m',
    '--clone-limit',
    '1',
    ...ALONE,
  ]);
  const stalled = await Promise.all([stall(service), stall(service), stall(service)]);
  const waits = startFetch(service, 'large.git', request);
  await queued(service, 1);
  const { code } = await runGit(root, ['ls-remote', `${service.url}/small.git`]);
  expect(code).toBe(0);
  for (const fetch of stalled) await fetch.finish();
  await (await waits).finish();
});
