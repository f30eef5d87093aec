/** A forge that is down, slow, or answers nonsense: no one is let in, and everyone is told. */
import { once } from 'node:events';
import net from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository } from '../support/history.ts';
import { post, send } from '../support/raw-client.ts';
import { v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';
import { type ForgeAnswer, listen, startForge, type TestForge } from './forge.ts';
import { basic, bearer, tryClone, withHeader } from './tokens.ts';

const root = temporaryDirectory();
createRepository(root, 'one.git');
const SAID = 'it cannot be found out who may fetch; try again in 5 s';

const start = (url: string, flags: readonly string[] = []) =>
  startService(root, ['--workers', '1', '--auth', 'forward', '--authorize-url', url, ...flags]);

async function expectRefusal(service: RunningService, why: string): Promise<void> {
  const headers = bearer('any');
  const refs = await send(service, { path: '/one.git/info/refs?service=git-upload-pack', headers });
  expect({ status: refs.status, text: refs.body.toString(), wait: refs.headers['retry-after'] }).toEqual({
    status: 503,
    text: `${SAID}\n`,
    wait: '5',
  });
  const fetched = await post(service, 'one.git', v2Request('ls-refs', []), headers);
  expect({ status: fetched.status, text: fetched.body.toString() }).toEqual({
    status: 200,
    text: expect.stringContaining(`ERR ${SAID}`),
  });
  const { code, stderr } = await tryClone(service, 'one.git', withHeader(headers));
  expect({ code, stderr }).toEqual({ code: 128, stderr: expect.stringContaining('503') });
  const line = await service.logged(({ error }) => error?.message.includes(why));
  expect(line).toMatchObject({ level: 50, outcome: 'error', repository: 'one.git' });
}

/** Servers that accept, and speak or not. */
const speak = (text: string) => listen(net.createServer((socket) => socket.on('error', () => {}).end(text)));
const SILENT = () => listen(net.createServer((socket) => socket.on('error', () => {})));
/** A port that nothing listens on any more. */
async function nowhere(): Promise<string> {
  const server = net.createServer();
  const url = await listen(server);
  server.close();
  return url;
}

test.each([
  ['is down', nowhere, 'ECONNREFUSED'],
  ['never answers', SILENT, 'no answer within 200 ms'],
  ['hangs up', () => speak(''), 'ECONNRESET'],
  ['speaks something else', () => speak('220 smtp ready\r\n'), 'HPE_INVALID_CONSTANT'],
  ['breaks off', () => speak('HTTP/1.1 200 OK\r\nX-Packhorse-Subject: a'), 'ECONNRESET'],
  [
    'says too much',
    () => speak(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(99_999)}\r\n\r\n`),
    'HPE_HEADER_OVERFLOW',
  ],
])('a forge that %s', async (_, forge, why) => {
  await expectRefusal(await start(`${await forge()}/?r={repo}`, ['--authorize-timeout', '200']), why);
});

describe('a forge that answers with', () => {
  let forge: TestForge;
  let service: RunningService;
  beforeAll(async () => {
    forge = await startForge(() => ({ status: 200 }));
    service = await start(forge.url, ['--authorize-cache', '0']);
  });

  test.each([101, 204, 206, 301, 302, 400, 429, 500, 502, 503])('status %i', async (status) => {
    const elsewhere = await startForge(() => ({ status: 200 }));
    const headers = { Location: elsewhere.url };
    forge.answer = (): ForgeAnswer => ({ status, headers });
    await expectRefusal(service, `status ${status}`);
    expect(elsewhere.questions).toEqual([]);
  });

  test('a body without end is neither waited for nor read on', async () => {
    const { url, cut } = await speakEndlessly();
    const patient = await start(`${url}/?r={repo}`, ['--authorize-timeout', '600000']);
    expect(await tryClone(patient, 'one.git', withHeader(basic('a', 'b')))).toMatchObject({ code: 0 });
    await cut;
  });
});

/** A 200 whose body goes on for as long as it is read, and when that is no more. */
async function speakEndlessly(): Promise<{ url: string; cut: Promise<unknown> }> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {}).write('HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n');
    const more = () => {
      while (socket.writable && socket.write('x'.repeat(65_536)));
    };
    socket.on('drain', more);
    more();
  });
  const cut = once(server, 'connection').then(([socket]) => new Promise((end) => socket.once('close', end)));
  return { url: await listen(server), cut };
}
