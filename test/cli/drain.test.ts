/** How the service ends: readiness first, then new work, then what is in flight, and never later than it is told. */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository } from '../support/history.ts';
import { createLarge } from '../support/large.ts';
import { cloneRequest, REQUEST_TYPE, send, startFetch } from '../support/raw-client.ts';
import { metric } from '../support/request-log.ts';
import { parseFetchAnswer, pkt } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const NAME = 'large.git';
const INFO_REFS = `/${NAME}/info/refs?service=git-upload-pack`;
let request: string;

beforeAll(() => {
  request = cloneRequest(createLarge(root, NAME));
  createRepository(root, 'empty.git');
});

function logged(service: RunningService, text: string) {
  return service.logged(({ msg }) => msg.startsWith(text));
}

async function gitPort(service: RunningService): Promise<number> {
  return Number(new URL((await logged(service, 'listening')).git).port);
}

/** All that comes until the other side ends. */
async function hear(socket: net.Socket): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}

test('readiness fails at once, while new work is still done for the delay', async () => {
  const service = await startService(root, ['--drain-delay', '5']);
  const exited = once(service.process, 'exit');
  service.process.kill('SIGTERM');
  await logged(service, 'stopping');
  const ready = await fetch(`${service.metricsUrl}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, 'draining\n']);
  await gitIn(root, ['ls-remote', `${service.url}/${NAME}`]);
  expect(service.log.map(({ msg }) => msg)).not.toContain('draining');
  expect(await exited).toEqual([0, null]);
});

test('SIGINT waits for no load balancer, but for what is in flight', async () => {
  const service = await startService(root, ['--drain-delay', '1000']);
  const inFlight = await startFetch(service, NAME, request);
  service.process.kill('SIGINT');
  expect(await logged(service, 'stopping')).toMatchObject({ signal: 'SIGINT', drainDelay: 0 });
  await logged(service, 'draining');
  expect(parseFetchAnswer(await inFlight.finish()).complete).toBe(true);
  expect(await once(service.process, 'exit')).toEqual([0, null]);
});

test('metrics say how long it has taken, and how long it may', async () => {
  const service = await startService(root, ['--drain-delay', '5', '--drain-timeout', '20']);
  expect(await metric(service, 'packhorse_drain_limit_seconds')).toBe(25);
  expect(await metric(service, 'packhorse_drain_seconds')).toBe(0);
  expect(await metric(service, 'packhorse_draining')).toBe(0);
  const exited = once(service.process, 'exit');
  service.process.kill('SIGTERM');
  await logged(service, 'stopping');
  expect(await metric(service, 'packhorse_drain_seconds')).toBeGreaterThan(0);
  expect(await metric(service, 'packhorse_draining')).toBe(1);
  await exited;
});

test('a connection that is kept open gets no more answers', async () => {
  const service = await startService(root);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const inFlight = await startFetch(service, NAME, request, agent);
  const next = send(service, { path: INFO_REFS, agent });
  service.process.kill('SIGTERM');
  await logged(service, 'draining');
  expect(parseFetchAnswer(await inFlight.finish()).complete).toBe(true);
  // It is sent on the same connection if that is still there, and else there is none to be had.
  const answer = await next.catch(() => undefined);
  if (answer) {
    expect([answer.status, answer.headers.connection]).toEqual([503, 'close']);
    expect(answer.body.toString()).toBe('the server is shutting down\n');
  }
  expect(await once(service.process, 'exit')).toEqual([0, null]);
  agent.destroy();
});

test('a request that comes on a connection in use is told that the service ends', async () => {
  const service = await startService(root);
  const socket = net.connect(Number(new URL(service.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const head = `GET ${INFO_REFS} HTTP/1.1\r\nHost: x\r\n`;
  socket.write(head);
  const inFlight = await startFetch(service, NAME, request);
  service.process.kill('SIGTERM');
  await logged(service, 'draining');
  socket.write('\r\n');
  const answer = await hear(socket);
  expect(answer).toMatch(/^HTTP\/1.1 503 .*\r\nConnection: close\r\n.*the server is shutting down\n/is);
  const line = await service.logged(({ error }) => error?.code === 'PACKHORSE_DRAINING');
  expect(line).toMatchObject({ outcome: 'limited', status: 503 });
  expect(parseFetchAnswer(await inFlight.finish()).complete).toBe(true);
  expect(await once(service.process, 'exit')).toEqual([0, null]);
});

describe('git://', () => {
  test.each([
    ['that has not asked yet', ''],
    ['in version 0 that has the list of refs', `git-upload-pack /${NAME}\0host=x\0`],
    ['in version 2 between two commands', `git-upload-pack /${NAME}\0host=x\0\0version=2\0`],
  ])('a client %s is told that the service ends', async (_, says) => {
    const service = await startService(root, ['--git-port', '0']);
    const socket = net.connect(await gitPort(service), '127.0.0.1');
    if (says) {
      socket.write(pkt(says));
      await once(socket, 'data');
    } else await once(socket, 'connect');
    const exited = once(service.process, 'exit');
    const heard = hear(socket);
    service.process.kill('SIGTERM');
    expect(await heard).toMatch(/.{4}ERR the server is shutting down$/);
    expect(await exited).toEqual([0, null]);
  });

  test('a clone in flight is finished', async () => {
    const service = await startService(root, ['--git-port', '0']);
    const socket = net.connect(await gitPort(service), '127.0.0.1');
    const parts: Buffer[] = [];
    socket.on('data', (data) => parts.push(data));
    socket.write(pkt(`git-upload-pack /${NAME}\0host=x\0\0version=2\0`));
    await once(socket, 'data');
    parts.length = 0;
    socket.write(request);
    await once(socket, 'data');
    socket.pause();
    service.process.kill('SIGTERM');
    await logged(service, 'draining');
    socket.resume();
    await once(socket, 'end');
    const answer = Buffer.concat(parts).toString('latin1');
    expect(answer).toContain('packfile');
    expect(answer).toMatch(/0000$/);
    socket.end();
    expect(await once(service.process, 'exit')).toEqual([0, null]);
  });
});

describe('what does not end in time', () => {
  const CUT = ['--drain-timeout', '1'];

  test('is told why on band 3, and logged', async () => {
    const service = await startService(root, CUT);
    const inFlight = await startFetch(service, NAME, request);
    const exited = once(service.process, 'exit');
    service.process.kill('SIGTERM');
    expect(await logged(service, 'cutting off')).toMatchObject({ fetches: 1 });
    const { error, complete } = parseFetchAnswer(await inFlight.finish());
    expect(error).toBe('the server is shutting down and could wait no longer');
    expect(complete).toBe(false);
    expect(await exited).toEqual([0, null]);
    const line = await service
      .logged(({ error }) => error?.code === 'PACKHORSE_STOPPED')
      .catch(() => undefined);
    expect(line ?? service.log.find(({ error }) => error)).toMatchObject({
      outcome: 'error',
      command: 'fetch',
    });
  });

  test('does not hold up the end, whether it takes that or not', async () => {
    const service = await startService(root, CUT);
    const inFlight = await startFetch(service, NAME, request);
    const exited = once(service.process, 'exit');
    service.process.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await expect(inFlight.finish()).rejects.toThrow();
  });

  test('is a request of which only a part has come', async () => {
    const service = await startService(root, CUT);
    const socket = net.connect(Number(new URL(service.url).port), '127.0.0.1');
    const head = `POST /${NAME}/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Type: ${REQUEST_TYPE}\r\n`;
    socket.write(`${head}Expect: 100-continue\r\nContent-Length: ${request.length}\r\n\r\n`);
    await once(socket, 'data');
    const exited = once(service.process, 'exit');
    const heard = hear(socket);
    service.process.kill('SIGTERM');
    expect(await heard).toMatch(/HTTP\/1.1 503 .*the server is shutting down and could wait no longer\n/s);
    expect(await exited).toEqual([0, null]);
  });

  test('is a stream of HTTP/2', async () => {
    const { key, cert } = makeCertificate();
    const service = await startService(root, [...CUT, '--tls-key', key, '--tls-cert', cert]);
    const session = http2.connect(service.url, { ca: fs.readFileSync(cert) });
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${NAME}/git-upload-pack`,
      'content-type': REQUEST_TYPE,
      'git-protocol': 'version=2',
    });
    stream.end(request);
    await once(stream, 'response');
    service.process.kill('SIGTERM');
    await logged(service, 'cutting off');
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part);
    expect(parseFetchAnswer(Buffer.concat(parts)).error).toContain('could wait no longer');
    expect(await once(service.process, 'exit')).toEqual([0, null]);
  });
});

test('an idle connection of HTTP/2 does not hold up the end', async () => {
  const { key, cert } = makeCertificate();
  const service = await startService(root, ['--tls-key', key, '--tls-cert', cert]);
  const session = http2.connect(service.url, { ca: fs.readFileSync(cert) });
  await once(session, 'remoteSettings');
  service.process.kill('SIGTERM');
  await once(session, 'close');
  expect(await once(service.process, 'exit')).toEqual([0, null]);
});
