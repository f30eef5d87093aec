/** `--auth forward`: the forge is asked who may fetch what, and where it lies. */
import { EventEmitter, once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository, History } from '../support/history.ts';
import { send } from '../support/raw-client.ts';
import { metric } from '../support/request-log.ts';
import { type RunningService, startService } from '../support/service.ts';
import { statusBecomes } from '../support/status.ts';
import { type ForgeAnswer, startForge, type TestForge } from './forge.ts';
import { basic, bearer, makeTokenFile, tryClone, wholeLog, withHeader, withHelper } from './tokens.ts';

const root = temporaryDirectory();
const ANN = 'gl_ann_secret';
const BEN = 'gl_ben_secret';
const USERS: Readonly<Record<string, string>> = {
  [bearer(ANN).Authorization]: 'ann',
  [basic('ann', ANN).Authorization]: 'ann',
  [basic('git', ANN).Authorization]: 'ann',
  [bearer(BEN).Authorization]: 'ben',
};
let source: string;
let forge: TestForge;
let service: RunningService;

/** Names are forgiving, and have nothing to do with paths: that is the forge's matter. */
function decide(repository: string, authorization: string | undefined): ForgeAnswer {
  const name = repository.toLowerCase().replace(/\.git$/, '');
  const user = USERS[authorization ?? ''];
  if (authorization !== undefined && user === undefined) return { status: 401 };
  const headers = { 'X-Packhorse-Repository': '@hashed/ab/abcd.git', 'X-Packhorse-Subject': user };
  if (name === 'group/public') return { status: 200, headers: { ...headers, 'X-Packhorse-Subject': '' } };
  if (user === 'ann' && name === 'group/plan') return { status: 200, headers };
  if (user === 'ann' && name === 'group/lost') {
    return { status: 200, headers: { 'X-Packhorse-Repository': '@hashed/lost.git' } };
  }
  if (user === 'ann' && name === 'group/one') return { status: 200 };
  return { status: user === undefined ? 401 : name === 'group/one' ? 403 : 404 };
}

beforeAll(async () => {
  source = createRepository(root, '@hashed/ab/abcd.git');
  createRepository(root, 'group/one.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(source);
  forge = await startForge(decide);
  const url = `${forge.url}&key=query_secret`;
  const flags = ['--auth', 'forward', '--authorize-url', url, '--authorize-cache', '0'];
  service = await startService(root, ['--workers', '1', ...flags, '--trusted-proxies', '127.0.0.1']);
});

beforeEach(() => {
  forge.answer = decide;
  forge.questions.length = 0;
});

const REFS = 'info/refs?service=git-upload-pack';
const ask = (name: string, headers: Record<string, string> = {}) =>
  send(service, { path: `/${name}/${REFS}`, headers });

test('git clones by a name that is no path, and the log has where it lies and who asked', async () => {
  const { code, stderr, target } = await tryClone(service, 'Group/Plan', withHelper(ANN));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expectSameRepository(target, source);
  const line = await service.logged(({ command, outcome }) => command === 'fetch' && outcome === 'ok');
  expect(line).toMatchObject({ repository: '@hashed/ab/abcd.git', subject: 'ann' });
});

test('git clones what the forge gives to everyone without asking its user', async () => {
  expect(await tryClone(service, 'group/public.git')).toMatchObject({ code: 0 });
});

test.each([
  ['of another user', () => withHeader(bearer(BEN)), 'not found'],
  ['that the forge does not know', () => withHelper('wrong_secret'), 'Authentication failed'],
  ['that is none', () => [], 'could not read Username'],
])('git gets nothing with a password %s', async (_, settings, said) => {
  const { code, stderr } = await tryClone(service, 'group/plan.git', settings());
  expect({ code, stderr }).toEqual({ code: 128, stderr: expect.stringContaining(said) });
});

test('the forge is asked for what the client asks, with what it says of itself', async () => {
  const path = `/gr%C3%BCn/a%26b%20c+d.git/${REFS}`;
  const { Authorization } = basic('ann', ANN);
  await send(service, { path, headers: { Authorization, 'X-Forwarded-For': '192.0.2.7', Cookie: 'a=b' } });
  expect(forge.questions.map(({ method, url }) => [method, url])).toEqual([
    ['GET', '/allow?repo=gr%C3%BCn/a%26b%20c%2Bd.git&service=git-upload-pack&key=query_secret'],
  ]);
  const { headers } = forge.questions[0];
  expect(headers).toMatchObject({ authorization: Authorization, 'x-forwarded-for': '192.0.2.7' });
  expect(headers).not.toHaveProperty('cookie');
});

test('what the forge took is seen while it thinks, and afterwards in the log and the metrics', async () => {
  const turns = new EventEmitter();
  forge.answer = async (...question) => {
    turns.emit('asked', performance.now());
    await once(turns, 'answer');
    return decide(...question);
  };
  const asked = once(turns, 'asked');
  const before = await metric(service, 'packhorse_authorize_seconds_sum');
  const done = ask('group/slow.git', bearer(ANN));
  const [since] = await asked;
  const isSlow = ({ repository }: { readonly repository: string }) => repository === 'group/slow.git';
  const { fetches } = await statusBecomes(service, (status) => status.fetches.some(isSlow));
  expect(fetches.filter(isSlow)).toMatchObject([{ phase: 'authorize' }]);
  const thought = (performance.now() - since) / 1000;
  turns.emit('answer');
  await done;
  const { authorized, seconds } = await service.logged((line) => isSlow(line) && line.outcome === 'rejected');
  expect(authorized).toBeGreaterThan(thought);
  expect(authorized).toBeLessThanOrEqual(seconds);
  const sum = await metric(service, 'packhorse_authorize_seconds_sum');
  expect(sum - before).toBeGreaterThan(thought);
});

describe('the same is told of what is absent and of what is not allowed', () => {
  /** All of an answer but its date. */
  const told = async (name: string, headers: Record<string, string>) => {
    const { status, headers: head, body } = await ask(name, headers);
    return { status, headers: { ...head, date: undefined }, body: body.toString() };
  };

  test('with a password: 404', async () => {
    const absent = await told('group/lost.git', bearer(ANN));
    expect(absent).toMatchObject({ status: 404, body: 'repository not found\n' });
    expect(await told('group/nothing.git', bearer(ANN))).toEqual(absent);
    expect(await told('group/plan.git', bearer(BEN))).toEqual(absent);
    expect(await told('group/one.git', bearer(BEN))).toEqual(absent);
  });

  test('without: 401', async () => {
    const there = await told('group/one.git', {});
    expect(there).toMatchObject({ status: 401, body: 'authentication required\n' });
    expect(there.headers['www-authenticate']).toMatch(/^Basic realm=/);
    expect(await told('group/nothing.git', {})).toEqual(there);
    forge.answer = () => ({ status: 404 });
    expect(await told('group/nothing.git', {})).toEqual(there);
    forge.answer = () => ({ status: 403 });
    expect(await told('group/one.git', {})).toEqual(there);
  });
});

describe('a path', () => {
  test.each([
    ['/group/../group/one.git', 404],
    ['/group/%2e%2e/group/one.git', 404],
    ['/group/%252e%252e/one.git', 401],
    ['/group/..%2fgroup/one.git', 404],
    ['//group/one.git', 404],
    ['/group//one.git', 404],
    ['/group/./one.git', 404],
    ['/group/one.git%00', 404],
  ])('%s without a password: %i', async (where, status) => {
    expect((await send(service, { path: `${where}/${REFS}` })).status).toBe(status);
    const names = forge.questions.map(({ url }) => decodeURIComponent(url!));
    expect(names.filter((name) => /\/\.\.?\/|\0/.test(name))).toEqual([]);
  });

  test.each([
    ['group%2Fone.git', 'group/one.git'],
    ['group/%6Fne.git', 'group/one.git'],
    ['group/one', 'group/one'],
    ['group/ONE.GIT', 'group/ONE.GIT'],
    ['group/one.git/.git', 'group/one.git/.git'],
  ])('%s is what the forge is asked for: %s', async (where, repository) => {
    await ask(where, bearer(BEN));
    const [{ url }] = forge.questions;
    expect(new URL(url!, 'http://forge').searchParams.get('repo')).toBe(repository);
  });
});

describe('where a repository lies', () => {
  const lies = (place: string) => {
    const header = Buffer.from(place).toString('latin1');
    forge.answer = () => ({ status: 200, headers: { 'X-Packhorse-Repository': header } });
    return ask('x', bearer(ANN));
  };

  test('is below the root, be it said from there or from the top', async () => {
    fs.mkdirSync(path.join(root, 'grün'));
    fs.cpSync(source, path.join(root, 'grün/ß.git'), { recursive: true });
    for (const place of ['group/one.git', `${root}/group/one.git`, `${root}/group/one.git/`, 'grün/ß.git']) {
      expect([place, (await lies(place)).status]).toEqual([place, 200]);
    }
    expect((await lies('group/nothing.git')).status).toBe(404);
  });

  test.each([
    '',
    '/',
    '.',
    root,
    `${root}/`,
    `${root}x/one.git`,
    '../one.git',
    'group/../../one.git',
    `${root}/../one.git`,
    'group//one.git',
    '/etc',
    'group\tone.git',
  ])('is not at %j, and then the client is refused', async (place) => {
    const { status, body } = await lies(place);
    expect({ status, body: body.toString() }).toEqual({
      status: 503,
      body: 'it cannot be found out who may fetch; try again in 5 s\n',
    });
  });

  test('is not where a link leads out of the root', async () => {
    const outside = createRepository(temporaryDirectory(), 'outside.git');
    fs.symlinkSync(outside, path.join(root, 'link.git'));
    expect((await lies('link.git')).status).toBe(404);
  });
});

test('a forge that knows only git is asked at its door for git', async () => {
  const { file, tokens } = makeTokenFile(['ann']);
  const door = await startService(root, ['--workers', '1', '--auth', 'token', '--token-file', file]);
  const url = `${door.url}/{repo}/info/refs?service={service}`;
  const flags = ['--auth', 'forward', '--authorize-url', url, '--authorize-cache', '0'];
  const behind = await startService(root, ['--workers', '1', ...flags]);
  const { code, target } = await tryClone(behind, '@hashed/ab/abcd', withHelper(tokens.ann));
  expect(code).toBe(0);
  expectSameRepository(target, source);
  const { stderr } = await tryClone(behind, '@hashed/ab/abcd', withHelper('wrong'));
  expect(stderr).toContain('Authentication failed');
  const asked = door.log.filter(({ agent }) => agent === 'packhorse');
  expect(new Set(asked.map(({ command }) => command))).toEqual(new Set(['advertise']));
});

test('the log has no password, nor what the address of the forge says behind its path', async () => {
  const text = await wholeLog(service);
  expect(text).toContain('"subject":"ann"');
  expect(text).toContain('no path below the root');
  expect(text).not.toContain('secret');
  expect(text).not.toContain(Buffer.from(`ann:${ANN}`).toString('base64'));
});
