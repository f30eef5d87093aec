/** The log: one line a request, with what an operator asks for, and no secret in it. */
import { beforeAll, describe, expect, test } from 'vitest';
import { redact } from '../../src/front/redact.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { send } from '../support/raw-client.ts';
import { hasPack, requestsDuring } from '../support/request-log.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const work = temporaryDirectory();
const TRACE = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', isSampled: true };
const SECRETS = ['s3cret-token', 's3cret-password', 's3cret-of-the-agent', 's3cret-in-the-configuration'];
let service: RunningService;

beforeAll(async () => {
  const history = new History();
  for (let i = 0; i < 20; i++) history.commit({ branch: 'main', files: { [`file${i}`]: `content ${i}\n` } });
  history.importInto(createRepository(root, 'project.git'));
  service = await startService(root, [
    '--git-port',
    '0',
    '--git-config',
    'http.extraHeader=Authorization: Basic s3cret-in-the-configuration',
  ]);
});

test('a clone over HTTP has a line for each of its requests, with all that is known of it', async () => {
  const { host } = new URL(service.url);
  const headers = [
    'Authorization: Bearer s3cret-token',
    `traceparent: 00-${TRACE.traceId}-${TRACE.spanId}-01`,
  ];
  const lines = await requestsDuring(service, async () => {
    const set = headers.flatMap((header) => ['-c', `http.extraHeader=${header}`]);
    const agent = ['-c', 'http.userAgent=ci?private_token=s3cret-of-the-agent'];
    const url = `http://someone:s3cret-password@${host}/project.git`;
    const cloned = await runGit(work, [...set, ...agent, 'clone', '-q', url, 'http']);
    expect(cloned.code).toBe(0);
  });
  expect(lines.map(({ command }) => command)).toEqual(['advertise', 'ls-refs', 'fetch']);
  for (const line of lines) {
    expect(line).toMatchObject({
      id: expect.any(String),
      door: 'http',
      version: 2,
      status: 200,
      repository: 'project.git',
      client: '127.0.0.1',
      agent: 'ci?private_token=[redacted]',
      trace: TRACE,
      outcome: 'ok',
    });
  }
  const { statistics, bytes } = lines.at(-1)!;
  expect(statistics).toMatchObject({ kind: 'clone', wants: 1, haves: 0, cache: 'miss' });
  expect(statistics.phases.count).toBeGreaterThan(0);
  expect(statistics.bytes.total).toBeGreaterThan(0);
  expect(bytes).toBeGreaterThan(statistics.bytes.total);
  expect(statistics).not.toHaveProperty('spans');
  expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
});

test('a clone over a connection has one for each command', async () => {
  const { git } = await service.logged(({ msg }) => msg === 'listening');
  const lines = await requestsDuring(service, () =>
    runGit(work, ['-c', 'protocol.version=0', 'clone', '-q', `${git}/project.git`, 'git']),
  );
  const [line] = lines.filter(hasPack);
  expect(line).toMatchObject({
    door: 'git',
    version: 0,
    status: 0,
    repository: 'project.git',
    outcome: 'ok',
  });
});

test('a repository and an agent are cut short, and no secret by that', async () => {
  const name = 'ab/'.repeat(200);
  // What is cut short within its password is no URL with one any more.
  const agent = `${'x'.repeat(490)} https://someone:s3cret-of-the-agent@example.org`;
  const path = `/${name}end.git/info/refs?service=git-upload-pack`;
  const ask = () => send(service, { path, headers: { 'User-Agent': agent } });
  const [line] = await requestsDuring(service, ask, ({ agent }) => agent?.startsWith('xxx') ?? false);
  expect(line).toMatchObject({
    repository: name.slice(0, 512),
    agent: `${'x'.repeat(490)} https://[redacted]@ex`,
  });
});

test('no secret is in any line', () => {
  const all = JSON.stringify(service.log);
  expect(all).toContain('Basic [redacted]');
  for (const secret of SECRETS) expect(all).not.toContain(secret);
});

describe('a secret is taken out of', () => {
  test.each([
    ['a URL', 'from https://x:s3cret@example.org/a.git', 'from https://[redacted]@example.org/a.git'],
    ['a query', '/a?access_token=s3cret&b=1', '/a?access_token=[redacted]&b=1'],
    ['a header', '{"authorization":"Bearer s3.c-r_e~t+/="}', '{"authorization":"Bearer [redacted]"}'],
    ['a header in capitals', '{"authorization":"BEARER s3cret"}', '{"authorization":"BEARER [redacted]"}'],
    ['a header in any case', '{"authorization":"bAsIc s3cret"}', '{"authorization":"bAsIc [redacted]"}'],
    ['a path', '/ph_s3cret-s3cret-s3cret/a.git', '/ph_[redacted]/a.git'],
    ['an agent', 'git eyJhbGciOi.eyJzdWIi.s3cret', 'git eyJ[redacted]'],
    ['what is no request', '{"rawPacket":{"type":"Buffer","data":[1]}}', '{"rawPacket":"[redacted]"}'],
  ])('%s, and nothing else', (_where, line, clean) => {
    expect(redact(line)).toBe(clean);
  });

  test.each([
    'git@example.org:a.git',
    'https://example.org/a@b',
    '{"agent":"git/2.55.0"}',
    'no token was sent',
  ])('%s, where there is none, as it is', (line) => expect(redact(line)).toBe(line));
});
