/** `--auth token` with the real git: who has a token is served, and no one else learns anything. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository, History } from '../support/history.ts';
import { cloneRequest, post, REQUEST_TYPE, send } from '../support/raw-client.ts';
import { metric, settled } from '../support/request-log.ts';
import { v2Request } from '../support/requests.ts';
import { type LogLine, type RunningService, startService } from '../support/service.ts';
import { basic, bearer, makeTokenFile, tryClone, wholeLog, withHeader, withHelper } from './tokens.ts';

const root = temporaryDirectory();
const { file, tokens } = makeTokenFile(['ci', 'forge', 'leaver']);
let source: string;
let service: RunningService;

beforeAll(async () => {
  source = createRepository(root, 'group/one.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(source);
  const flags = ['--auth', 'token', '--token-file', file, '--dumb-http', '--cache-min-uses', '1'];
  service = await startService(root, ['--workers', '1', ...flags]);
});

describe('git clones', () => {
  test.each([
    ['with a Bearer token as http.extraHeader', () => withHeader(bearer(tokens.ci))],
    ['with Basic as http.extraHeader', () => withHeader(basic('anyone', tokens.ci))],
    ['with a credential helper', () => withHelper(tokens.ci)],
  ])('%s', async (_, settings) => {
    const { code, stderr, target } = await tryClone(service, 'group/one.git', settings());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expectSameRepository(target, source);
  });

  test('with a token in the URL', async () => {
    const url = service.url.replace('//', `//git:${tokens.ci}@`);
    expect(await tryClone({ ...service, url }, 'group/one')).toMatchObject({ code: 0 });
  });

  test.each([
    ['without a token', () => [], 'could not read Username'],
    ['with a token that no one has', () => withHelper('ph_wrong'), 'Authentication failed'],
    ['with the hash of a token', () => withHelper(fs.readFileSync(file, 'utf8').split(/[\s:]/)[2]), 'failed'],
    ['with a name for its password', () => withHeader(basic(tokens.ci, '')), 'could not read Username'],
  ])('not %s', async (_, settings, said) => {
    const { code, stderr } = await tryClone(service, 'group/one.git', settings());
    expect(code).toBe(128);
    expect(stderr).toContain(said);
  });

  test('what is not there neither, and is told so', async () => {
    const { code, stderr } = await tryClone(service, 'group/two.git', withHelper(tokens.ci));
    expect(code).toBe(128);
    expect(stderr).toContain('repository not found');
  });
});

/** Each door of a repository over HTTP. */
const DOORS: readonly (readonly [method: string, file: string])[] = [
  ['GET', 'info/refs?service=git-upload-pack'],
  ['HEAD', 'info/refs?service=git-upload-pack'],
  ['GET', 'info/refs'],
  ['GET', 'HEAD'],
  ['GET', 'objects/info/packs'],
  ['POST', 'git-upload-pack'],
];
const TYPE = { 'Content-Type': REQUEST_TYPE, 'Git-Protocol': 'version=2' };

/** All of an answer but its date. */
async function ask(method: string, path: string, headers: Record<string, string> = {}) {
  const body = method === 'POST' ? v2Request('ls-refs', []) : undefined;
  const answer = await send(service, {
    method,
    path,
    headers: { ...TYPE, ...headers },
    ...(body && { body }),
  });
  return { ...answer, body: answer.body.toString(), headers: { ...answer.headers, date: undefined } };
}

describe.each(DOORS)('%s %s', (method, door) => {
  test('without a token is 401, word for word the same whether there is a repository', async () => {
    const there = await ask(method, `/group/one.git/${door}`);
    expect(there.status).toBe(401);
    expect(there.headers['www-authenticate']).toBe('Basic realm="Packhorse", charset="UTF-8"');
    expect(there.body).toBe(method === 'HEAD' ? '' : 'authentication required\n');
    expect(await ask(method, `/absent.git/${door}`)).toEqual(there);
    expect(await ask(method, `/absent.git/${door}`, bearer('ph_wrong'))).toEqual(there);
  });

  test('with one is served, or 404', async () => {
    expect(await ask(method, `/group/one.git/${door}`, bearer(tokens.ci))).toMatchObject({ status: 200 });
    expect(await ask(method, `/absent.git/${door}`, bearer(tokens.ci))).toMatchObject({ status: 404 });
  });
});

test.each([
  ['is empty', '', 'no token was sent'],
  ['is a scheme alone', 'Bearer', 'no token was sent'],
  ['is not in base64', 'Basic !!!', 'no token was sent'],
  ['is of another scheme', 'Negotiate abcdef', 'no token was sent'],
  ['is long', `Bearer ${'x'.repeat(8000)}`, 'the token is not known'],
  ['is no ASCII', 'Bearer ph_\xff', 'the token is not known'],
])('an Authorization that %s is none', async (_, Authorization, why) => {
  await settled(service);
  const before = service.log.length;
  expect((await ask('GET', '/group/one.git/info/refs', { Authorization })).status).toBe(401);
  const line = await service.logged((line) => service.log.indexOf(line) >= before && Boolean(line.error));
  expect(line.error).toMatchObject({ code: 'PACKHORSE_UNAUTHENTICATED', message: why });
});

test('who has no token is refused before a byte of the body is sent', async () => {
  const headers = { ...TYPE, 'Content-Length': '1000000' };
  const { status, headers: said } = await send(service, {
    method: 'POST',
    path: '/group/one.git/git-upload-pack',
    headers,
    body: ['0000'],
  });
  expect({ status, connection: said.connection }).toEqual({ status: 401, connection: 'close' });
});

test('a token that is taken back is refused, though its pack is kept, and one that is added is taken', async () => {
  const body = cloneRequest(source);
  const hits = () => metric(service, 'packhorse_cache_requests_total{result="hit"}');
  expect((await post(service, 'group/one.git', body, bearer(tokens.leaver))).status).toBe(200);
  const before = await hits();
  expect((await post(service, 'group/one.git', body, bearer(tokens.leaver))).status).toBe(200);
  expect(await hits()).toBe(before + 1);

  const whole = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, whole.replace(/^leaver .*\n/m, ''));
  expect((await post(service, 'group/one.git', body, bearer(tokens.leaver))).status).toBe(401);
  expect(await hits()).toBe(before + 1);
  fs.writeFileSync(file, whole);
  expect((await post(service, 'group/one.git', body, bearer(tokens.leaver))).status).toBe(200);
  expect(await hits()).toBe(before + 2);
});

function breakFile(): void {
  fs.copyFileSync(file, `${file}.away`);
  fs.appendFileSync(file, 'ci secret\n');
}

test.each([
  ['is gone', () => fs.renameSync(file, `${file}.away`)],
  ['is broken', breakFile],
])('no one is let in while the token file %s', async (_, spoil) => {
  const settings = withHeader(bearer(tokens.ci));
  spoil();
  try {
    const { code, stderr } = await tryClone(service, 'group/one.git', settings);
    expect({ code, stderr }).toEqual({ code: 128, stderr: expect.stringContaining('503') });
    const answer = await ask('POST', '/group/one.git/git-upload-pack', bearer(tokens.ci));
    expect(answer).toMatchObject({
      status: 200,
      body: expect.stringContaining('ERR it cannot be found out'),
    });
  } finally {
    fs.renameSync(`${file}.away`, file);
  }
  expect(await tryClone(service, 'group/one.git', settings)).toMatchObject({ code: 0 });
});

test('the log has the names of tokens, and no token, wherever a client has put it', async () => {
  const { host } = new URL(service.url);
  const refs = 'group/one.git/info/refs';
  const places = [
    `http://git:${tokens.ci}@${host}/${refs}`,
    `/${refs}?service=git-upload-pack&access_token=${tokens.ci}`,
    `/%zz${tokens.ci}`,
    `/${refs}?service=${tokens.ci}`,
  ];
  for (const place of places) {
    const headers = { ...basic('git', 'ph_wrong'), Referer: `http://git:${tokens.ci}@${host}/` };
    expect((await send(service, { path: place, headers })).status).toBeGreaterThanOrEqual(400);
  }
  await settled(service);
  const text = await wholeLog(service);
  expect(text).toContain('"subject":"ci"');
  for (const secret of [...Object.values(tokens), 'ph_wrong', Buffer.from(tokens.ci).toString('base64')]) {
    expect(text).not.toContain(secret);
  }
  expect(text).not.toContain('ci secret');
});

test('a token file without a token is warned of at the start, and once whenever it comes to that', async () => {
  const { file, tokens } = makeTokenFile(['ci']);
  const whole = fs.readFileSync(file);
  fs.writeFileSync(file, '# none yet\n');
  const own = await startService(root, ['--workers', '1', '--auth', 'token', '--token-file', file]);
  const clone = () => post(own, 'group/one.git', cloneRequest(source), bearer(tokens.ci));
  const warnings = async () => {
    await settled(own);
    return own.log.filter(({ level, msg }) => level === 40 && /^the token file has NO token/.test(msg))
      .length;
  };
  expect(await warnings()).toBe(1);
  expect((await clone()).status).toBe(401);
  expect((await clone()).status).toBe(401);
  expect(await warnings()).toBe(1);
  fs.writeFileSync(file, whole);
  expect((await clone()).status).toBe(200);
  fs.writeFileSync(file, '');
  expect((await clone()).status).toBe(401);
  expect((await clone()).status).toBe(401);
  expect(await warnings()).toBe(2);
});

describe('at the level trace what is no request is logged without what it said', () => {
  let own: RunningService;

  beforeAll(async () => {
    const flags = ['--auth', 'token', '--token-file', file, '--log-level', 'trace'];
    own = await startService(root, ['--workers', '1', ...flags]);
  });

  test.each([
    ['a header that is none', ['no header', '', ''], 'HPE_INVALID_HEADER_TOKEN'],
    ['a body that is not in chunks', ['Transfer-Encoding: chunked', '', 'x'], 'HPE_INVALID_CHUNK_SIZE'],
  ])('%s', async (_, lines, code) => {
    const head = ['POST /group/one.git/git-upload-pack HTTP/1.1', 'Host: x', `Content-Type: ${REQUEST_TYPE}`];
    for (const { Authorization } of [bearer(tokens.ci), basic('git', tokens.ci)]) {
      const before = own.log.length;
      const { hostname, port } = new URL(own.url);
      const socket = net.connect(Number(port), hostname).resume();
      socket.end([...head, `Authorization: ${Authorization}`, ...lines].join('\r\n'));
      await once(socket, 'close');
      type Failure = LogLine & { err?: { code?: string; rawPacket?: unknown } };
      const line = (await own.logged(
        (line: Failure) => own.log.indexOf(line) >= before && line.err?.code === code,
      )) as Failure;
      expect(line).toMatchObject({ level: 10, err: { rawPacket: '[redacted]' } });
    }
    const text = own.log.map((line) => JSON.stringify(line)).join('\n');
    for (const secret of [tokens.ci, basic('git', tokens.ci).Authorization.slice(6)]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain([...Buffer.from(secret)].join());
    }
  });
});
