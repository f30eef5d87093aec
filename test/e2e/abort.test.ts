/** Clients that go away, and a service that is told to. */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createLarge } from '../support/large.ts';
import { cloneRequest, repositoryFromPack, startFetch } from '../support/raw-client.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { parseFetchAnswer } from '../support/requests.ts';
import { type LogLine, type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const name = 'large.git';
let source: string;
let request: string;

beforeAll(() => {
  source = createLarge(root, name);
  request = cloneRequest(source);
});

function aborted(line: LogLine): boolean {
  return line.outcome === 'client_aborted';
}

async function expectIdle(service: RunningService): Promise<void> {
  expect(await metric(service, 'packhorse_stream_inflight_bytes')).toBe(0);
  expect(await metric(service, 'packhorse_fetches_in_progress')).toBe(0);
  expect(await metric(service, 'packhorse_pool_tasks')).toBe(0);
  expect(await metric(service, 'packhorse_pool_queued')).toBe(0);
}

test('a client goes away in mid-clone: its task ends, its bytes are let go of, the worker serves the next', async () => {
  const service = await startService(root, ['--workers', '1']);
  const fetch = await startFetch(service, name, request);
  expect(await metric(service, 'packhorse_fetches_in_progress')).toBe(1);
  await metricBecomes(service, 'packhorse_stream_inflight_bytes', (bytes) => bytes > 0);
  fetch.abort();
  const line = await service.logged(aborted);
  expect(line).toMatchObject({ repository: name, error: { code: 'PACKHORSE_CANCELLED' } });
  await expectIdle(service);
  expectSameRepository(source, await clone(service, name));
  expect(service.log.filter(({ level }) => level >= 50)).toEqual([]);
});

// Where a client goes is a matter of chance: between two chunks, or while one is on its way. So it is done often.
test('many clients go away at once, again and again; one that stays gets its clone', async () => {
  const service = await startService(root, ['--workers', '1']);
  for (let round = 1; round <= 6; round++) {
    const fetches = await Promise.all(Array.from({ length: 10 }, () => startFetch(service, name, request)));
    const [stays, ...leave] = fetches;
    for (const fetch of leave) fetch.abort();
    const answer = parseFetchAnswer(await stays.finish());
    expect(answer.complete).toBe(true);
    await service.logged(() => service.log.filter(aborted).length === leave.length * round);
    await service.logged(() => service.log.filter(({ outcome }) => outcome === 'ok').length === round);
    await expectIdle(service);
  }
});

test('a client goes away while it sends its request', async () => {
  const service = await startService(root, ['--workers', '1']);
  const { hostname, port } = new URL(service.url);
  const socket = net.connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    `POST /${name}/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nGit-Protocol: version=2\r\n` +
      `Content-Type: application/x-git-upload-pack-request\r\nExpect: 100-continue\r\n\r\n${request.slice(0, 100)}`,
  );
  // The server has begun to read the request when it says so.
  await once(socket, 'data');
  socket.destroy();
  await service.logged(aborted);
  await expectIdle(service);
  expectSameRepository(source, await clone(service, name));
});

/** Connects until the service listens no more. */
async function refused(service: RunningService): Promise<void> {
  const { hostname, port } = new URL(service.url);
  for (;;) {
    const socket = net.connect(Number(port), hostname);
    try {
      await once(socket, 'connect');
    } catch {
      return;
    } finally {
      socket.destroy();
    }
  }
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s with a clone in flight lets it finish', async (signal) => {
  const service = await startService(root);
  const fetch = await startFetch(service, name, request);
  const exited = once(service.process, 'exit');
  service.process.kill(signal);
  await refused(service);
  expect(service.process.exitCode).toBe(null);
  const { pack, complete } = parseFetchAnswer(await fetch.finish());
  expect(complete).toBe(true);
  expect(await exited).toEqual([0, null]);
  expectSameRepository(source, repositoryFromPack(path.join(temporaryDirectory(), 'got'), pack, source));
});

// A proxy keeps connections open; they must not hold up the end until their idle time is over (72 s).
test('a connection that is kept alive does not hold up the end', { timeout: 40_000 }, async () => {
  const service = await startService(root);
  const agent = new http.Agent({ keepAlive: true });
  const fetch = await startFetch(service, name, request, agent);
  const exited = once(service.process, 'exit');
  service.process.kill('SIGTERM');
  await refused(service);
  expect(parseFetchAnswer(await fetch.finish()).complete).toBe(true);
  expect(await exited).toEqual([0, null]);
  agent.destroy();
});

test('a second signal ends what is in flight', async () => {
  const service = await startService(root);
  const fetch = await startFetch(service, name, request);
  const exited = once(service.process, 'exit');
  service.process.kill('SIGTERM');
  await service.logged(({ msg }) => msg.startsWith('stopping'));
  service.process.kill('SIGTERM');
  expect(await exited).toEqual([1, null]);
  await expect(fetch.finish()).rejects.toThrow();
});
