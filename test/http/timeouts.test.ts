/** Clients that say nothing are let go; those that are slow are not. */
import { once } from 'node:events';
import fs from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import zlib from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository } from '../support/history.ts';
import { createLarge } from '../support/large.ts';
import { cloneRequest, post, REQUEST_TYPE, startFetch } from '../support/raw-client.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const { key, cert } = makeCertificate();
/** Seconds; a machine that has much to do holds up honest clients as well. */
const IDLE = 2;
const REQUEST = v2Request('ls-refs', ['peel', 'symrefs']);
const HEAD = [
  'POST /a.git/git-upload-pack HTTP/1.1',
  'Host: x',
  'Git-Protocol: version=2',
  `Content-Type: ${REQUEST_TYPE}`,
  `Content-Length: ${REQUEST.length}`,
].join('\r\n');
let plain: RunningService;
let encrypted: RunningService;

beforeAll(async () => {
  createRepository(root, 'a.git');
  const idle = ['--idle-timeout', `${IDLE}`];
  plain = await startService(root, idle);
  encrypted = await startService(root, [...idle, '--tls-key', key, '--tls-cert', cert]);
});

const DOORS: [string, () => RunningService, () => net.Socket][] = [
  ['HTTP', () => plain, () => net.connect(Number(new URL(plain.url).port), '127.0.0.1')],
  [
    'HTTPS',
    () => encrypted,
    () =>
      tls.connect({
        port: Number(new URL(encrypted.url).port),
        host: '127.0.0.1',
        ca: fs.readFileSync(cert),
      }),
  ],
];

/** All that comes until the other side ends. */
async function hear(socket: net.Socket): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}

describe.each(DOORS)('%s', (_, service, connect) => {
  test('a head that does not come to its end is dropped', async () => {
    const socket = connect();
    socket.write(HEAD);
    expect(await hear(socket)).toMatch(/^HTTP\/1.1 408 /);
  });

  test('a connection that says nothing at all is dropped', async () => {
    const socket = connect();
    await once(socket, 'connect');
    socket.resume();
    await once(socket, 'close');
  });

  test('a body of which no byte comes is answered with 408, and logged', async () => {
    const before = await metric(service(), 'packhorse_timeouts_total{kind="idle"}');
    const socket = connect();
    socket.write(`${HEAD}\r\n\r\n${REQUEST.slice(0, 20)}`);
    const answer = await hear(socket);
    expect(answer).toMatch(/^HTTP\/1.1 408 .*\r\nConnection: close\r\n/is);
    expect(answer).toContain('\nthe client was silent for too long\n');
    const line = await service().logged(({ error }) => error?.code === 'PACKHORSE_IDLE');
    expect(line).toMatchObject({ repository: 'a.git', outcome: 'client_aborted', status: 408 });
    expect(await metric(service(), 'packhorse_timeouts_total{kind="idle"}')).toBe(before + 1);
  });

  test('a body of which a byte comes now and then is read to its end', async () => {
    const socket = connect();
    const answer = hear(socket);
    socket.write(`${HEAD.replace('HTTP/1.1', 'HTTP/1.1\r\nConnection: close')}\r\n\r\n`);
    // Over more than twice the time in which nothing may come.
    const start = performance.now();
    for (let sent = 0; sent < REQUEST.length; sent++) {
      const due = start + (sent / REQUEST.length) * 2500 * IDLE;
      while (performance.now() < due) await metric(service(), 'packhorse_fetches_in_progress');
      socket.write(REQUEST[sent]);
    }
    expect(await answer).toMatch(/^HTTP\/1.1 200 /);
  });
});

test('a body of HTTP/2 of which no byte comes ends its stream, not its connection', async () => {
  const session = http2.connect(encrypted.url, { ca: fs.readFileSync(cert) });
  const open = () =>
    session.request({
      ':method': 'POST',
      ':path': '/a.git/git-upload-pack',
      'content-type': REQUEST_TYPE,
      'git-protocol': 'version=2',
    });
  const silent = open();
  silent.write(REQUEST.slice(0, 20));
  const [headers] = await once(silent, 'response');
  expect(headers[':status']).toBe(408);
  silent.resume();
  await once(silent, 'close');
  const next = open();
  next.end(REQUEST);
  const [{ ':status': status }] = await once(next, 'response');
  expect(status).toBe(200);
  session.destroy();
});

describe('memory of bodies', () => {
  /** Sends so many bytes of a body, and not the last one. */
  async function hold(service: RunningService, bytes: number): Promise<net.Socket> {
    const socket = net.connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.on('error', () => {});
    const length = `Content-Length: ${bytes + 1}`;
    socket.write(`${HEAD.replace(/Content-Length: \d+/, length)}\r\n\r\n`);
    socket.write(Buffer.alloc(bytes, '0'));
    return socket;
  }

  test('is bounded: what does not fit is refused, what is small is served', async () => {
    const flags = ['--request-memory', '1m', '--max-request-size', '1m', '--workers', '1'];
    const service = await startService(root, flags);
    const first = await hold(service, 400_000);
    await metricBecomes(service, 'packhorse_request_memory_bytes', (bytes) => bytes >= 400_000);
    const refused = await post(service, 'a.git', Buffer.alloc(400_000, '0'));
    expect(refused.status).toBe(200);
    expect(refused.body.toString()).toMatch(/^....ERR the server is busy \(too many long requests\)/);
    expect((await post(service, 'a.git', REQUEST)).body.toString()).toMatch(/^0000$/);
    first.destroy();
    await metricBecomes(service, 'packhorse_request_memory_bytes', (bytes) => bytes === 0);
    const later = await post(service, 'a.git', Buffer.alloc(400_000, '0'));
    expect(later.body.toString()).not.toContain('busy');
    await metricBecomes(service, 'packhorse_request_memory_bytes', (bytes) => bytes === 0);
  });

  test('is given back when the request has been read, however long its answer takes', async () => {
    const service = await startService(root, ['--workers', '1']);
    const clone = await startFetch(service, 'large.git', cloneRequest(createLarge(root, 'large.git')));
    await metricBecomes(service, 'packhorse_request_memory_bytes', (bytes) => bytes === 0);
    expect(await metric(service, 'packhorse_fetches_in_progress')).toBe(1);
    clone.abort();
  });

  test('counts what has been inflated, of a bomb no more than fits', async () => {
    const service = await startService(root, [
      '--request-memory',
      '1m',
      '--workers',
      '1',
      '--refuse-with',
      '429',
    ]);
    const bomb = zlib.gzipSync(Buffer.alloc(20 * 2 ** 20));
    const refused = await post(service, 'a.git', bomb, { 'Content-Encoding': 'gzip' });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await metricBecomes(service, 'packhorse_request_memory_bytes', (bytes) => bytes === 0);
  });

  test('is not more for a body in the smallest parts', async () => {
    const service = await startService(root, ['--workers', '1']);
    const socket = net.connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.write(`${HEAD.replace(/Content-Length: \d+/, 'Transfer-Encoding: chunked')}\r\n\r\n`);
    const before = await metric(service, 'nodejs_heap_size_used_bytes');
    for (let i = 0; i < 40; i++) if (!socket.write('1\r\n0\r\n'.repeat(10_000))) await once(socket, 'drain');
    await metricBecomes(service, 'packhorse_request_memory_bytes', (bytes) => bytes >= 400_000);
    expect(await metric(service, 'packhorse_request_memory_bytes')).toBeLessThan(2 ** 20);
    expect((await metric(service, 'nodejs_heap_size_used_bytes')) - before).toBeLessThan(20 * 2 ** 20);
    socket.destroy();
  });
});
