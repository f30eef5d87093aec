/** HTTP connections that are upgraded to the protocol itself, as `packhorse upload-pack --server` does it. */
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { expectSameRepository } from '../support/clone.ts';
import { ConnectedClient } from '../support/connected-client.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, runGit } from '../support/git.ts';
import { createLarge, LARGE_PACK_BYTES } from '../support/large.ts';
import { REQUEST_TYPE } from '../support/raw-client.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { FLUSH, parseFetchAnswer, pkt, v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const NAME = 'large.git';
const TARGET = `/${NAME}/git-upload-pack`;
const { key, cert } = makeCertificate();
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: git-upload-pack\r\n\r\n';
let service: RunningService;
let secure: RunningService;
let source: string;
let tip: string;

beforeAll(async () => {
  source = createLarge(root, NAME);
  tip = git(source, ['rev-parse', 'main']);
  service = await startService(root, ['--workers', '1']);
  secure = await startService(root, ['--workers', '1', '--tls-key', key, '--tls-cert', cert]);
});

function connect(to: RunningService, head: readonly string[], body = ''): ConnectedClient {
  return new ConnectedClient(to, head, body, cert);
}

function upgraded(to: RunningService, version: number, more = '', target = TARGET): ConnectedClient {
  return ConnectedClient.upgraded(to, target, { version, more, ca: cert });
}

async function expectIdle(of: RunningService): Promise<void> {
  await metricBecomes(of, 'packhorse_fetches_in_progress', (fetches) => fetches === 0);
  expect(await metric(of, 'packhorse_stream_inflight_bytes')).toBe(0);
  expect(await metric(of, 'packhorse_pool_tasks')).toBe(0);
}

const CLONE = () => v2Request('fetch', [`want ${tip}`, 'ofs-delta', 'no-progress', 'done']);

describe.each([
  ['HTTP', () => service],
  ['HTTPS', () => secure],
])('a conversation over %s', (_, to) => {
  test('begins with what came along with the request', async () => {
    const client = upgraded(to(), 2, v2Request('ls-refs', ['ref-prefix HEAD']));
    expect(await client.until('\r\n\r\n')).toBe(SWITCHING);
    expect(await client.until(FLUSH)).toMatch(/^000eversion 2\n/);
    expect(await client.until(FLUSH)).toBe(`0032${tip} HEAD\n${FLUSH}`);
    client.socket.write(CLONE());
    client.socket.end(FLUSH);
    const { pack, complete } = parseFetchAnswer(await client.rest());
    expect(complete).toBe(true);
    expect(pack.length).toBeGreaterThan(LARGE_PACK_BYTES);
    await expectIdle(to());
  });

  test('whose client is done with speaking is answered all the same', async () => {
    const client = upgraded(to(), 0);
    await client.until('\r\n\r\n');
    client.socket.end(`${pkt(`want ${tip} side-band-64k ofs-delta no-progress`)}${FLUSH}${pkt('done')}`);
    await client.until(FLUSH);
    expect((await client.rest()).length).toBeGreaterThan(LARGE_PACK_BYTES);
  });

  test('of a client that has much more to say is ended with a reason', async () => {
    const client = upgraded(to(), 0);
    await client.until(FLUSH);
    const absent = '1'.repeat(40);
    client.socket.write(`${pkt(`want ${absent}`)}${FLUSH}`);
    client.socket.end(pkt(`have ${absent}`).repeat(200_000));
    expect((await client.rest()).toString()).toMatch(/ERR upload-pack: not our ref 1{40}$/);
  });

  test('of a client that goes away ends', async () => {
    const client = upgraded(to(), 2);
    await client.until(FLUSH);
    client.socket.write(CLONE());
    await client.until('PACK');
    await metricBecomes(to(), 'packhorse_stream_inflight_bytes', (bytes) => bytes > 0);
    client.socket.destroy();
    await to().logged((line) => line.door === 'ssh' && line.outcome === 'client_aborted');
    await expectIdle(to());
  });

  test('about what is not there', async () => {
    const client = upgraded(to(), 2, '', '/absent.git/git-upload-pack');
    expect(await client.until('\r\n\r\n')).toBe(SWITCHING);
    expect((await client.rest()).toString()).toBe(pkt('ERR repository not found'));
  });
});

describe('refused', () => {
  test.each([
    ['GET', '/git-upload-pack', 404],
    ['GET', `/${NAME}/info/refs`, 404],
    ['GET', `/${NAME}/git-receive-pack`, 404],
    ['GET', `/x/../${NAME}/git-upload-pack`, 404],
    ['POST', TARGET, 405],
  ])('%s %s: %i', async (method, target, status) => {
    const head = ['Connection: Upgrade', 'Upgrade: git-upload-pack', 'Content-Length: 0'];
    const client = connect(service, [`${method} ${target} HTTP/1.1`, ...head]);
    const answer = (await client.rest()).toString();
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/\r\nContent-Type: text\/plain; charset=utf-8\r\n/);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
    client.socket.destroy();
  });
});

describe('an offer of something else', () => {
  test.each([
    ['HTTP', () => service],
    ['HTTPS', () => secure],
  ])('changes nothing over %s: requests are ordinary ones', async (_, to) => {
    const offer = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'];
    const head = [...offer, 'Git-Protocol: version=2', 'Host: packhorse'];
    const client = connect(to(), [`GET /${NAME}/info/refs?service=git-upload-pack HTTP/1.1`, ...head]);
    const end = `${FLUSH}\r\n0\r\n\r\n`;
    expect(await client.until(end)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*000eversion 2\n/s);
    const body = v2Request('ls-refs', ['ref-prefix HEAD']);
    const post = [`POST ${TARGET} HTTP/1.1`, ...head, `Content-Type: ${REQUEST_TYPE}`];
    client.socket.write([...post, `Content-Length: ${body.length}`, '', body].join('\r\n'));
    expect(await client.until(end)).toMatch(/^HTTP\/1\.1 200 OK\r\n.* HEAD\n/s);
    client.socket.destroy();
  });

  test('any number of them on one connection leaves nothing behind', async () => {
    const own = await startService(root, ['--workers', '1']);
    let stderr = '';
    own.process.stderr?.on('data', (data) => {
      stderr += data;
    });
    const head = ['GET /HEAD HTTP/1.1', 'Connection: Upgrade', 'Upgrade: h2c'];
    const client = connect(own, head);
    for (let more = 20; more > 0; more--) {
      expect(await client.until('not found\n')).toMatch(/^HTTP\/1\.1 404 /);
      client.socket.write(`${[...head, 'Host: packhorse'].join('\r\n')}\r\n\r\n`);
    }
    client.socket.destroy();
    await own.stop();
    // Node.js warns of more than ten listeners for one event of a socket.
    expect(stderr).toBe('');
  });

  test('git with HTTP/2', async () => {
    const parent = temporaryDirectory();
    const target = path.join(parent, 'clone');
    const args = ['-c', 'http.version=HTTP/2', 'clone', '--mirror', `${service.url}/${NAME}`, target];
    const { code, stderr } = await runGit(parent, args, { GIT_CURL_VERBOSE: '1' });
    expect(stderr).toContain('Upgrade: h2c');
    expect(code).toBe(0);
    expectSameRepository(source, target);
  });
});

describe('when the service stops', () => {
  test('a client that asks for nothing is let go, one in mid-pack gets the rest', async () => {
    const stopping = await startService(root, ['--workers', '1']);
    const quiet = upgraded(stopping, 2);
    await quiet.until(FLUSH);
    const busy = upgraded(stopping, 2);
    await busy.until(FLUSH);
    busy.socket.write(CLONE());
    const start = await busy.until('PACK');
    const stopped = stopping.stop();
    expect((await quiet.rest()).toString()).toMatch(/^.{4}ERR the server is shutting down$/);
    quiet.socket.end();
    const rest = await busy.rest();
    busy.socket.end();
    const { complete, pack } = parseFetchAnswer(Buffer.concat([Buffer.from(start, 'latin1'), rest]));
    expect(complete).toBe(true);
    expect(pack.length).toBeGreaterThan(LARGE_PACK_BYTES);
    expect(await stopped).toBe(0);
    expect(stopping.log.filter(({ outcome }) => outcome && outcome !== 'ok')).toEqual([]);
  });

  test('nothing new is taken', async () => {
    const stopping = await startService(root, ['--workers', '1']);
    // The head of a second request has begun when the first one is answered.
    const late = connect(stopping, [`GET /${NAME}/HEAD HTTP/1.1`], `GET ${TARGET} HTTP/1.1\r\n`);
    await late.until('served\n');
    const stopped = stopping.stop();
    await stopping.logged((line) => line.msg.startsWith('stopping'));
    late.socket.end('Host: packhorse\r\nConnection: Upgrade\r\nUpgrade: git-upload-pack\r\n\r\n');
    expect((await late.rest()).toString()).toMatch(/HTTP\/1\.1 503 .*the server is shutting down\n/s);
    expect(await stopped).toBe(0);
  });
});
