/** Every door of HTTP asks first, and tells the same of what is absent and what is not allowed. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { protocol, runProgram } from '../stdio/upload-pack.ts';
import { ConnectedClient } from '../support/connected-client.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { createRepository, History } from '../support/history.ts';
import { cloneRequest, post, REQUEST_TYPE, send } from '../support/raw-client.ts';
import { metric, settled } from '../support/request-log.ts';
import { decodePackets, FLUSH, pkt, v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';
import { bearer } from './tokens.ts';

const root = temporaryDirectory();
const SECRET = 'a secret that has more than enough bytes';
let source: string;
let service: RunningService;
let allowed: { Authorization: string };
/** Paths below a repository, of one bundle and one loose object. */
let bundle: string;
let object: string;

beforeAll(async () => {
  source = createRepository(root, 'open/one.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(source);
  fs.cpSync(source, path.join(root, 'closed/two.git'), { recursive: true });
  const key = path.join(temporaryDirectory(), 'key');
  fs.writeFileSync(key, SECRET);
  const jwt = ['--auth', 'jwt', '--jwt-key', key, '--jwt-audience', 'git'];
  const bundles = ['--bundles', 'on', '--bundle-min-clones', '1'];
  service = await startService(root, ['--workers', '1', ...jwt, ...bundles, '--dumb-http']);
  const token = await new SignJWT({ aud: 'git', repositories: ['open/*'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(Buffer.from(SECRET));
  allowed = bearer(token);

  await post(service, 'open/one.git', cloneRequest(source), allowed);
  await service.logged(({ msg }) => msg === 'bundle built');
  const { body } = await post(service, 'open/one.git', v2Request('bundle-uri', []), allowed);
  bundle = decodePackets(body).flatMap(({ text }) => /^bundle\.\w+\.uri=(.*)/.exec(text)?.[1] ?? [])[0];
  const pack = fs.readdirSync(path.join(source, 'objects/pack')).find((name) => name.endsWith('.pack'));
  object = `objects/pack/${pack}`;
});

const DOORS: Readonly<Record<string, () => { method: string; file: string; body?: string }>> = {
  'the list of refs': () => ({ method: 'GET', file: 'info/refs?service=git-upload-pack' }),
  'the head of it': () => ({ method: 'HEAD', file: 'info/refs?service=git-upload-pack' }),
  'a fetch': () => ({ method: 'POST', file: 'git-upload-pack', body: v2Request('ls-refs', []) }),
  'a bundle': () => ({ method: 'GET', file: bundle }),
  'a file': () => ({ method: 'GET', file: 'info/refs' }),
  'an object': () => ({ method: 'GET', file: object }),
};

describe.each(Object.keys(DOORS))('%s', (door) => {
  const ask = async (name: string, headers: Record<string, string> = {}) => {
    const { method, file, body } = DOORS[door]();
    const head = { 'Content-Type': REQUEST_TYPE, 'Git-Protocol': 'version=2', ...headers };
    const answer = await send(service, {
      method,
      path: `/${name}/${file}`,
      headers: head,
      ...(body && { body }),
    });
    return {
      ...answer,
      headers: { ...answer.headers, date: undefined },
      body: answer.body.toString('latin1'),
    };
  };

  test('is open to who may have it', async () => {
    const { status, headers } = await ask('open/one.git', allowed);
    expect(status).toBe(200);
    expect(headers['cache-control'] ?? '').not.toContain('public');
  });

  test('is closed without a token, whatever is behind it', async () => {
    const closed = await ask('closed/two.git');
    expect(closed.status).toBe(401);
    expect(await ask('closed/three.git')).toEqual(closed);
    expect(await ask('open/one.git')).toEqual(closed);
  });

  test('looks to who may not have it as if there were nothing', async () => {
    const absent = await ask('open/three.git', allowed);
    expect(absent.status).toBe(404);
    expect(await ask('closed/two.git', allowed)).toEqual(absent);
    expect(await ask('closed/three.git', allowed)).toEqual(absent);
  });
});

describe('a request to fetch', () => {
  /** All that the service says, to the byte. */
  async function ask(name: string, lines: readonly string[], body: Buffer): Promise<string> {
    const head = [`POST /${name}/git-upload-pack HTTP/1.1`, `Content-Type: ${REQUEST_TYPE}`, ...lines];
    const authorization = `Authorization: ${allowed.Authorization}`;
    const client = new ConnectedClient(service, [...head, authorization, 'Git-Protocol: version=2']);
    client.socket.write(body);
    const answer = await client.until('\r\n\r\n');
    const [, length] = /^Content-Length: (\d+)\r$/im.exec(answer) ?? [];
    const end = length === undefined ? await client.until('0\r\n\r\n') : '';
    client.socket.destroy();
    return answer.replace(/^Date: .*\r\n/m, '') + end;
  }

  const request = Buffer.from(v2Request('ls-refs', ['ref-prefix refs/'.padEnd(1000, 'x')]), 'latin1');
  const long = Buffer.concat(Array.from({ length: 2000 }, () => request));
  const sized = (body: Buffer) => [`Content-Length: ${body.length}`];
  const chunked = (body: Buffer) =>
    Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);

  test.each<[string, number, readonly string[], Buffer]>([
    ['a short body', 404, sized(request), request],
    ['a long one', 404, sized(long), long],
    ['one in chunks', 404, ['Transfer-Encoding: chunked'], chunked(long)],
    ['one that waits for a word', 404, [...sized(long), 'Expect: 100-continue'], long],
    ['one of nothing', 200, sized(Buffer.from(FLUSH)), Buffer.from(FLUSH)],
    ['one that is not what it says', 400, [...sized(request), 'Content-Encoding: gzip'], request],
  ])(
    'with %s gets %i, to the byte the same whether it may not or there is nothing',
    async (...[, status, lines, body]) => {
      const absent = await ask('open/three.git', lines, body);
      expect(absent).toMatch(new RegExp(`^HTTP/1.1 (?:100 Continue|${status} )`));
      expect(await ask('closed/two.git', lines, body)).toBe(absent);
      expect(await ask('closed/three.git', lines, body)).toBe(absent);
    },
  );
});

describe('a connection that is handed on', () => {
  /** All that the service says to one that only asks. */
  async function upgrade(name: string, headers: Record<string, string> = {}): Promise<string> {
    const { hostname, port } = new URL(service.url);
    const socket = net.connect(Number(port), hostname);
    const lines = Object.entries(headers).map(([header, value]) => `${header}: ${value}\r\n`);
    const head = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: git-upload-pack\r\nGit-Protocol: version=2\r\n';
    socket.end(`GET /${name}/git-upload-pack HTTP/1.1\r\n${head}${lines.join('')}\r\n`);
    let text = '';
    socket.setEncoding('latin1').on('data', (data) => {
      text += data;
    });
    await once(socket, 'close');
    return text.replace(/^Date: .*\r\n/m, '');
  }

  test('is open to who may have it', async () => {
    expect(await upgrade('open/one.git', allowed)).toMatch(/^HTTP\/1.1 101 [\s\S]*version 2\n/);
  });

  test('is closed without a token, whatever is behind it', async () => {
    const closed = await upgrade('closed/two.git');
    expect(closed).toMatch(
      /^HTTP\/1.1 401 [\s\S]*WWW-Authenticate: Basic realm=[\s\S]*authentication required\n/,
    );
    expect(await upgrade('closed/three.git')).toBe(closed);
    expect(await upgrade('open/one.git')).toBe(closed);
  });

  test('looks to who may not have it as if there were nothing', async () => {
    const absent = await upgrade('open/three.git', allowed);
    expect(absent).toMatch(/^HTTP\/1.1 101 [\s\S]*ERR repository not found$/);
    expect(await upgrade('closed/two.git', allowed)).toBe(absent);
    expect(await upgrade('closed/three.git', allowed)).toBe(absent);
    const line = await service.logged(
      ({ error, door }) => door === 'ssh' && error?.code === 'PACKHORSE_NOT_ALLOWED',
    );
    expect(line).toMatchObject({ repository: 'closed/two.git', outcome: 'rejected' });
  });

  test('is asked for by packhorse upload-pack --server with its token', async () => {
    const packhorse = [process.execPath, buildExecutable(), 'upload-pack', '--server', service.url] as const;
    const file = path.join(temporaryDirectory(), 'token');
    fs.writeFileSync(file, `${allowed.Authorization.slice('Bearer '.length)}\n`);
    const run = (args: readonly string[]) =>
      runProgram([...packhorse], args, { input: '0000', environment: protocol(2) });
    const opened = await run(['--token-file', file, 'open/one.git']);
    expect(opened).toMatchObject({ status: 0, stderr: '' });
    expect(opened.stdout.toString()).toContain(pkt('version 2\n'));
    const refused = await run(['open/one.git']);
    expect(refused.status).toBe(128);
    expect(refused.stdout.toString()).toContain('authentication required (401)');
  });
});

test('no worker has seen a request that was refused', async () => {
  await settled(service);
  const before = await metric(service, 'packhorse_cache_requests_total{result="hit"}');
  await post(service, 'closed/two.git', cloneRequest(source), allowed);
  await post(service, 'open/one.git', cloneRequest(source));
  await settled(service);
  const refused = service.log.slice(-2);
  expect(refused.map(({ statistics }) => statistics)).toEqual([undefined, undefined]);
  expect(await metric(service, 'packhorse_cache_requests_total{result="hit"}')).toBe(before);
});
