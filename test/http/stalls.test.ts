/** Clients that take nothing are let go, whatever the door; those that are slow are not. */
import { once } from 'node:events';
import fs from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { beforeAll, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createLarge, LARGE_PACK_BYTES } from '../support/large.ts';
import { cloneRequest, REQUEST_TYPE, startFetch } from '../support/raw-client.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { parseFetchAnswer, pkt } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const NAME = 'large.git';
const STALL = ['--stall-timeout', '1'];
const { key, cert } = makeCertificate();
let request: string;

beforeAll(() => {
  request = cloneRequest(createLarge(root, NAME));
});

async function expectLetGo(service: RunningService): Promise<void> {
  const line = await service.logged(({ error }) => error?.code === 'PACKHORSE_STALLED');
  expect(line).toMatchObject({ repository: NAME, command: 'fetch', outcome: 'client_aborted' });
  expect(await metric(service, 'packhorse_timeouts_total{kind="stall"}')).toBe(1);
  await metricBecomes(service, 'packhorse_stream_inflight_bytes', (bytes) => bytes === 0);
  await metricBecomes(service, 'packhorse_pool_tasks', (tasks) => tasks === 0);
}

test('over HTTP', async () => {
  const service = await startService(root, STALL);
  const stalled = await startFetch(service, NAME, request);
  await expectLetGo(service);
  await expect(stalled.finish()).rejects.toThrow();
});

test('over HTTP/2: the stream, not the connection', async () => {
  const service = await startService(root, [...STALL, '--tls-key', key, '--tls-cert', cert]);
  const session = http2.connect(service.url, { ca: fs.readFileSync(cert) });
  const open = (path: string) =>
    session.request({
      ':method': 'POST',
      ':path': `/${NAME}/${path}`,
      'content-type': REQUEST_TYPE,
      'git-protocol': 'version=2',
    });
  const stalled = open('git-upload-pack').on('error', () => {});
  stalled.end(request);
  await once(stalled, 'response');
  await expectLetGo(service);
  const next = open('git-receive-pack');
  next.end();
  const [{ ':status': status }] = await once(next, 'response');
  expect(status).toBe(403);
  session.destroy();
});

test('over git://', async () => {
  const service = await startService(root, [...STALL, '--git-port', '0']);
  const { port } = new URL((await service.logged(({ msg }) => msg === 'listening')).git);
  const socket = net.connect(Number(port), '127.0.0.1').on('error', () => {});
  socket.pause();
  socket.write(pkt(`git-upload-pack /${NAME}\0host=x\0\0version=2\0`) + request);
  await expectLetGo(service);
  socket.destroy();
});

test('a client that takes a little now and then gets all of it', async () => {
  // A machine that has much to do holds up honest clients as well.
  const service = await startService(root, ['--stall-timeout', '2']);
  const { hostname, port } = new URL(service.url);
  const socket = net.connect(Number(port), hostname);
  const head = `POST /${NAME}/git-upload-pack HTTP/1.0\r\nContent-Type: ${REQUEST_TYPE}\r\nGit-Protocol: version=2\r\n`;
  socket.write(`${head}Content-Length: ${request.length}\r\n\r\n${request}`);
  const parts: Buffer[] = [];
  let bytes = 0;
  const start = performance.now();
  // Over more than three times the time in which nothing may be taken, in proportion to what there is.
  for await (const part of socket as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    while (performance.now() - start < Math.min(1, bytes / LARGE_PACK_BYTES) * 7000) {
      await metric(service, 'packhorse_streams_stalled');
    }
  }
  const answer = Buffer.concat(parts);
  const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
  expect(parseFetchAnswer(body).complete).toBe(true);
  expect(performance.now() - start).toBeGreaterThan(6000);
});

test('a server that has nothing to send lets no one go', async () => {
  const service = await startService(root, [...STALL, '--git-port', '0']);
  const { port } = new URL((await service.logged(({ msg }) => msg === 'listening')).git);
  const socket = net.connect(Number(port), '127.0.0.1');
  let said = '';
  socket.on('data', (data) => {
    said += data;
  });
  socket.write(pkt(`git-upload-pack /${NAME}\0host=x\0\0version=2\0`));
  await expect.poll(() => said).toContain('version 2');
  const start = performance.now();
  while (performance.now() - start < 3000) await metric(service, 'packhorse_fetches_in_progress');
  said = '';
  socket.write(request);
  await expect.poll(() => said).toContain('packfile');
  socket.destroy();
});
