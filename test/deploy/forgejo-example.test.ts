/** The example with Forgejo: its nginx, on loopback, between git, Packhorse and a stand-in for the forge. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { environmentName, SERVE_FLAGS } from '../../src/cli/flags.ts';
import { expectSameRepository, gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { freePort } from '../support/free-port.ts';
import { git, runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { untilListening } from '../support/proxy.ts';
import { type RunningService, startService } from '../support/service.ts';
import { type StandInForge, startForge } from './forge.ts';
import { readCompose } from './read-compose.ts';

const EXAMPLE = path.resolve(import.meta.dirname, '../../deploy/examples/forgejo');
const { services, networks } = readCompose({ FORGEJO_SECRET_KEY: 'own' }, [
  'deploy/examples/forgejo/docker-compose.yml',
]);
const PASSWORD = 'own_secret';
const HELPER = ['-c', `credential.helper=!f() { echo username=ann; echo password=${PASSWORD}; }; f`];

const root = temporaryDirectory();
let forge: StandInForge;
let service: RunningService;
let nginx: ChildProcess;
let url: string;

beforeAll(async () => {
  for (const name of ['public/plan.git', 'private/plan.git']) {
    const history = new History();
    for (const version of [1, 2, 3]) history.commit({ branch: 'main', files: { name, a: `${version}\n` } });
    history.importInto(createRepository(root, name));
    git(path.join(root, name), ['config', 'http.receivepack', 'true']);
  }
  forge = await startForge(root, PASSWORD);
  const { PACKHORSE_AUTHORIZE_URL, ...environment } = services.packhorse.environment!;
  service = await startService(root, ['--workers', '1', '--authorize-cache', '0'], {
    ...environment,
    PACKHORSE_AUTHORIZE_URL: PACKHORSE_AUTHORIZE_URL!.replace('http://forgejo:3000', forge.url),
  });
  url = await startNginx({ 'http://forgejo:3000': forge.url, 'http://packhorse:8417': service.url });
});

beforeEach(() => {
  forge.requests.length = 0;
});

afterAll(async () => {
  nginx.kill();
  await once(nginx, 'exit');
});

/** The configuration of the example, with other addresses of those behind it. */
async function startNginx(addresses: Readonly<Record<string, string>>): Promise<string> {
  const directory = temporaryDirectory();
  const port = await freePort();
  let text = fs.readFileSync(path.join(EXAMPLE, 'nginx.conf'), 'utf8');
  for (const [name, address] of Object.entries({
    ...addresses,
    'listen 8080;': `listen 127.0.0.1:${port};`,
  })) {
    expect(text).toContain(name);
    text = text.replace(name, address);
  }
  const file = path.join(directory, 'nginx.conf');
  fs.writeFileSync(file, text);
  const [program, ...args] = services.nginx.command!.map((word) =>
    word.replace('/run/nginx', directory).replace('/etc/nginx/nginx.conf', file),
  );
  const log = fs.openSync(path.join(directory, 'access.log'), 'a');
  nginx = spawn(program!, args, { stdio: ['ignore', log, log] });
  fs.closeSync(log);
  await untilListening(port);
  return `http://127.0.0.1:${port}`;
}

async function clone(
  name: string,
  settings: readonly string[] = [],
  flags: readonly string[] = ['--mirror'],
) {
  const parent = temporaryDirectory();
  const target = path.join(parent, 'clone');
  const result = await runGit(parent, [...settings, 'clone', '--quiet', ...flags, `${url}/${name}`, target]);
  return { ...result, target };
}

test('a clone of what everyone may read comes from Packhorse, which asks the forge', async () => {
  const { target, stderr } = await clone('public/plan.git');
  expect(stderr).toBe('');
  expectSameRepository(path.join(root, 'public/plan.git'), target);
  expect(new Set(forge.requests)).toEqual(new Set(['GET /public/plan.git/HEAD']));
  expect((await clone('public/plan')).code).toBe(0);
});

test('a private one is for those whom the forge lets in', async () => {
  expect(await clone('private/plan.git')).toMatchObject({
    code: 128,
    stderr: expect.stringContaining('Username'),
  });
  const wrong = HELPER.map((word) => word.replace(PASSWORD, 'wrong'));
  const refused = await clone('private/plan.git', wrong);
  expect(refused).toMatchObject({ code: 128, stderr: expect.stringContaining('Authentication failed') });
  const { target, stderr } = await clone('private/plan.git', HELPER);
  expect(stderr).toBe('');
  expectSameRepository(path.join(root, 'private/plan.git'), target);
  expect(new Set(forge.requests)).toEqual(new Set(['GET /private/plan.git/HEAD']));
});

/** What is stored of a clone, as types. */
const typesIn = (directory: string) =>
  git(directory, ['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)']).split('\n').sort();

test('a partial clone leaves out what it may, and fetches it once it is looked at', async () => {
  const { target, stderr } = await clone('private/plan.git', HELPER, [
    '--filter=blob:none',
    '--bare',
    `--config=${HELPER[1]}`,
  ]);
  expect(stderr).toBe('');
  expect(typesIn(target)).toEqual([...Array(3).fill('commit'), ...Array(3).fill('tree')]);
  expect(await gitIn(target, ['show', 'main~1:a'])).toBe('2\n');
  expect(typesIn(target).filter((type) => type === 'blob')).toHaveLength(1);
  expect(new Set(forge.requests)).toEqual(new Set(['GET /private/plan.git/HEAD']));
});

test('a shallow clone has the last commit, and the others when it is deepened', async () => {
  const { target, stderr } = await clone('public/plan.git', [], ['--depth=1', '--bare']);
  expect(stderr).toBe('');
  expect(await gitIn(target, ['rev-list', '--count', 'main'])).toBe('1\n');
  await gitIn(target, ['fetch', '--quiet', '--unshallow']);
  expectSameRepository(path.join(root, 'public/plan.git'), target);
  expect(new Set(forge.requests)).toEqual(new Set(['GET /public/plan.git/HEAD']));
});

test('a push is the forge’s, and the next fetch has it', async () => {
  const work = path.join(temporaryDirectory(), 'work');
  await gitIn(root, ['clone', '--quiet', `${url}/public/plan.git`, work]);
  git(work, ['commit', '--quiet', '--allow-empty', '--message', 'more']);
  const pushed = await runGit(work, [...HELPER, 'push', '--quiet', 'origin', 'HEAD']);
  expect(pushed).toMatchObject({ code: 0 });
  expect(forge.requests).toContain('POST /public/plan.git/git-receive-pack');
  expect(await gitIn(root, ['ls-remote', `${url}/public/plan.git`, 'HEAD'])).toContain(
    git(work, ['rev-parse', 'HEAD']),
  );
});

test.each(['/public/plan/src/a', '/public/plan/src/git-upload-pack', '/public/plan/src/info/refs'])(
  'the page %s is the forge’s',
  async (page) => {
    const answer = await fetch(`${url}${page}`);
    expect([answer.status, await answer.text()]).toEqual([200, 'a page']);
  },
);

test('a name that is no path on disk is the forge’s to serve', async () => {
  const { target, stderr } = await clone('public/Plan.git');
  expect(stderr).toBe('');
  expectSameRepository(path.join(root, 'public/plan.git'), target);
  expect(forge.requests).toContain('POST /public/Plan.git/git-upload-pack');
});

describe('while Packhorse is not there', () => {
  beforeAll(async () => {
    await service.stop();
  });

  test('the forge serves', async () => {
    const { target, stderr } = await clone('private/plan.git', HELPER);
    expect(stderr).toBe('');
    expectSameRepository(path.join(root, 'private/plan.git'), target);
  });

  test('it still asks who its users are', async () => {
    expect(await clone('private/plan.git')).toMatchObject({ code: 128 });
  });
});

describe('its compose file', () => {
  test('sets variables that are those of flags', () => {
    const named = Object.keys(services.packhorse.environment!);
    for (const name of named) expect(SERVE_FLAGS.map(environmentName) as string[]).toContain(name);
  });

  test('has a network of addresses of its own, whose word the service takes for who a client is', () => {
    const trusted = services.packhorse.environment!.PACKHORSE_TRUSTED_PROXIES;
    expect(networks).toEqual({ default: { ipam: { config: [{ subnet: trusted }] } } });
    for (const service of Object.values(services)) expect(service).not.toHaveProperty('networks');
  });

  test('leads outside by nginx, on the loopback address, and pins every version', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports).toEqual(['127.0.0.1:8080:8080/tcp']);
    for (const { image } of Object.values(services)) expect(image).toMatch(/:\d+\.\d+\.\d+(-rootless)?$/);
    const { services: others } = parse(
      fs.readFileSync(path.resolve(EXAMPLE, '../../../docker-compose.yml'), 'utf8'),
    );
    expect(services.nginx.image).toBe(others.nginx.image);
    expect(services.packhorse.image).toBe(others.packhorse.image);
  });

  test('has no secret of its own', () => {
    expect(() => readCompose({}, ['deploy/examples/forgejo/docker-compose.yml'])).toThrow(
      'a secret of your own',
    );
  });
});
