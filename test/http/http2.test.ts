/** HTTPS: HTTP/2 for those who can, HTTP/1.1 for the others. */
import { once } from 'node:events';
import fs from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { runGit } from '../support/git.ts';
import { createLarge } from '../support/large.ts';
import { cloneRequest, REQUEST_TYPE } from '../support/raw-client.ts';
import { metricBecomes } from '../support/request-log.ts';
import { parseFetchAnswer } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const NAME = 'large.git';
const { key, cert } = makeCertificate();
const TLS = ['--tls-key', key, '--tls-cert', cert];
let source: string;
let service: RunningService;

beforeAll(async () => {
  source = createLarge(root, NAME);
  service = await startService(root, [...TLS, '--max-request-size', '64k']);
});

describe.each([
  ['HTTP/1.1', '0'],
  ['HTTP/1.1', '2'],
  ['HTTP/2', '0'],
  ['HTTP/2', '1'],
  ['HTTP/2', '2'],
])('git over %s with protocol.version=%s', (http, version) => {
  const config = ['-c', `http.version=${http}`, '-c', `protocol.version=${version}`];
  const environment = { GIT_SSL_CAINFO: cert, GIT_CURL_VERBOSE: '1' };

  test('clones', async () => {
    const parent = temporaryDirectory();
    const args = [...config, 'clone', '--mirror', `${service.url}/${NAME}`, 'clone'];
    const { code, stderr } = await runGit(parent, args, environment);
    expect(stderr).toContain(http === 'HTTP/2' ? 'HTTP/2 200' : 'HTTP/1.1 200 OK');
    expect(code).toBe(0);
    expectSameRepository(source, path.join(parent, 'clone'));
  });

  test('is told what is not there', async () => {
    const { stderr } = await runGit(root, [...config, 'ls-remote', `${service.url}/none.git`], environment);
    expect(stderr).toMatch(/fatal: repository '.*' not found/);
  });
});

async function connect({ url }: RunningService): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(url, { ca: fs.readFileSync(cert) });
  await once(session, 'connect');
  return session;
}

/** Posts a request; nothing of the answer's body is read. */
async function post(session: http2.ClientHttp2Session, body: string | Buffer) {
  const stream = session.request({
    ':method': 'POST',
    ':path': `/${NAME}/git-upload-pack`,
    'content-type': REQUEST_TYPE,
    'git-protocol': 'version=2',
  });
  stream.end(body);
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  return { stream, status: headers[':status'] };
}

async function bodyOf(stream: http2.ClientHttp2Stream): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

test('a body that is too long is refused, and the connection serves on', async () => {
  const session = await connect(service);
  const refused = await post(session, Buffer.alloc(100_000, '0'));
  expect(refused.status).toBe(413);
  expect((await bodyOf(refused.stream)).toString()).toContain('longer than 65536 bytes');
  const { stream, status } = await post(session, cloneRequest(source));
  expect(status).toBe(200);
  expect(parseFetchAnswer(await bodyOf(stream)).complete).toBe(true);
  session.close();
});

test('a client that cancels its stream ends its task, not the other streams of its connection', async () => {
  const session = await connect(service);
  const leaves = await post(session, cloneRequest(source));
  const stays = await post(session, cloneRequest(source));
  leaves.stream.close(http2.constants.NGHTTP2_CANCEL);
  await service.logged(({ outcome }) => outcome === 'client_aborted');
  expect(parseFetchAnswer(await bodyOf(stays.stream)).complete).toBe(true);
  await metricBecomes(service, 'packhorse_fetches_in_progress', (fetches) => fetches === 0);
  session.close();
});

test('a service that is told to stop finishes what is in flight', async () => {
  const own = await startService(root, TLS);
  const session = await connect(own);
  const { stream } = await post(session, cloneRequest(source));
  own.process.kill('SIGTERM');
  await own.logged(({ msg }) => msg.startsWith('stopping'));
  const ended = once(own.process, 'exit');
  expect(parseFetchAnswer(await bodyOf(stream)).complete).toBe(true);
  expect(await ended).toEqual([0, null]);
});

test('the key is not logged', () => {
  const secret = fs.readFileSync(key, 'utf8').split('\n')[1];
  expect(service.log[0]).toMatchObject({ msg: 'starting', tls: true });
  expect(JSON.stringify(service.log)).not.toContain(secret);
});
