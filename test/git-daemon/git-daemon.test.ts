/** git:// (protocol section 2.8): stock clients, and what git daemon says to what is no good request. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSameRepository, gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, GIT_ENVIRONMENT, git, reachableObjects } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { pkt } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let source: string;
let service: RunningService;
let base: URL;
let daemon: { process: ChildProcess; port: number };

beforeAll(async () => {
  source = createRepository(root, 'one.git');
  const history = new History();
  for (let i = 0; i < 8; i++) history.commit({ branch: 'main', files: { a: `${i}\n` } });
  history.importInto(source);
  git(createRepository(root, 'closed.git'), ['config', 'daemon.uploadpack', 'false']);
  service = await startService(root, ['--git-port', '0']);
  base = new URL((await service.logged(({ msg }) => msg === 'listening')).git);
  daemon = await startGitDaemon();
});
afterAll(() => void daemon.process.kill());

async function startGitDaemon(): Promise<typeof daemon> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as net.AddressInfo;
  probe.close();
  await once(probe, 'close');
  const args = ['daemon', '--verbose', '--export-all', `--base-path=${root}`, `--port=${port}`];
  const child = spawn('git', [...args, '--listen=127.0.0.1', '--log-destination=stderr'], {
    env: GIT_ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await once(child.stderr, 'data'); // that it is ready
  return { process: child, port };
}

/** Sends bytes, says no more, and hears out the answer. */
async function ask(port: number, request: string): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.end(Buffer.from(request, 'latin1'));
  const parts: Buffer[] = [];
  socket.on('data', (data) => parts.push(data));
  socket.on('error', () => {}); // a server that does not read all of it may reset the connection
  await once(socket, 'close');
  return Buffer.concat(parts).toString('latin1');
}

describe.each(['0', '1', '2'])('git with protocol.version=%s', (version) => {
  const run = (directory: string, ...args: string[]) =>
    gitIn(directory, ['-c', `protocol.version=${version}`, ...args]);

  test('clones', async () => {
    const parent = temporaryDirectory();
    await run(parent, 'clone', '--mirror', new URL('/one.git', base).href, 'clone');
    expectSameRepository(source, path.join(parent, 'clone'));
  });

  test('fetches what is new, deepens a shallow clone, and completes it', async () => {
    const parent = temporaryDirectory();
    const target = path.join(parent, 'clone');
    await run(parent, 'clone', '--depth=2', new URL('/one', base).href, 'clone');
    expect(git(target, ['rev-list', '--count', 'HEAD'])).toBe('2');
    await run(target, 'fetch', '--deepen=3');
    expect(git(target, ['rev-list', '--count', 'HEAD'])).toBe('5');
    await run(target, 'fetch', '--unshallow');
    fsck(target);
    expect(reachableObjects(target)).toEqual(reachableObjects(source));
    git(target, ['update-ref', 'refs/remotes/origin/main', 'HEAD~4']);
    git(target, ['reset', '--hard', 'HEAD~4']);
    git(target, ['reflog', 'expire', '--expire=now', '--all']);
    git(target, ['gc', '--quiet', '--prune=now']);
    await run(target, 'fetch');
    fsck(target);
    expect(reachableObjects(target)).toEqual(reachableObjects(source));
  });
});

test.each([
  ['a repository that is not there', 'git-upload-pack /nowhere.git\0host=x\0'],
  ['a repository whose configuration forbids it', 'git-upload-pack /closed.git\0host=x\0'],
  ['a path that is not absolute', 'git-upload-pack one.git\0'],
  ['a path with two slashes', 'git-upload-pack //one.git\0'],
  ['a path with a dot', 'git-upload-pack /./one.git\0'],
  ['a path that leaves the root', 'git-upload-pack /../one.git\0'],
  ['a path that ends in a dot', 'git-upload-pack /one.git/.\0'],
  ['another service', 'git-receive-pack /one.git\0host=x\0'],
  ['an unknown service', 'git-frobnicate /one.git\0host=x\0'],
  ['no service', 'hello\0'],
  ['something that is no host', 'git-upload-pack /one.git\0port=1\0'],
  ['two things where the host stands', 'git-upload-pack /one.git\0host=x\0host=y\0'],
])('says what git daemon says: %s', async (_, line) => {
  const request = pkt(line);
  const receivePack = /receive-pack/.test(line); // this one does not know that service at all
  const expected = receivePack ? '' : await ask(daemon.port, request);
  expect(await ask(Number(base.port), request)).toBe(expected);
});

test.each([
  ['no bytes', ''],
  ['no length', 'GET / HTTP/1.1\r\n\r\n'],
  ['a flush', '0000'],
  ['half of a packet', '0032git-upload-pack'],
  ['a length that is too long', 'ffff'],
])('says nothing to %s', async (_, request) => {
  expect(await ask(Number(base.port), request)).toBe('');
});

test.each([
  ['the host in any case', 'git-upload-pack /one.git\0HOST=x:1\0'],
  ['a line feed', 'git-upload-pack /one.git\n\0host=x\0'],
  ['a version', 'git-upload-pack /one.git\0host=x\0\0version=1\0'],
  ['a version and no host', 'git-upload-pack /one.git\0\0version=1\0'],
  ['several extras', 'git-upload-pack /one.git\0host=x\0\0foo\0version=1\0bar=2\0'],
  ['a slash at the end', 'git-upload-pack /one.git/\0host=x\0'],
  ['no host', 'git-upload-pack /one.git'],
])('takes %s as git daemon does', async (_, line) => {
  const known = (answer: string) =>
    answer.replace(/agent=[^\n]*/, 'agent').replace(/^[0-9a-f]{4}([0-9a-f]{40})/gm, '$1');
  const request = `${pkt(line)}0000`;
  const theirs = await ask(daemon.port, request);
  expect(theirs).toContain('refs/heads/main');
  expect(known(await ask(Number(base.port), request)).slice(0, 60)).toBe(known(theirs).slice(0, 60));
});

test('a client that says nothing more does not hold up the end of the service', async () => {
  const own = await startService(root, ['--git-port', '0']);
  const { port } = new URL((await own.logged(({ msg }) => msg === 'listening')).git);
  const silent = net.connect({ port: Number(port), host: '127.0.0.1' });
  const idle = net.connect({ port: Number(port), host: '127.0.0.1' });
  await once(silent, 'connect');
  idle.write(pkt('git-upload-pack /one.git\0host=x\0\0version=2\0'));
  await once(idle, 'data');
  idle.resume();
  silent.resume();
  const gone = Promise.all([once(silent, 'close'), once(idle, 'close')]);
  expect(await own.stop()).toBe(0);
  await gone;
});

test('each command of a connection is logged', async () => {
  createRepository(root, 'logged.git');
  await gitIn(root, ['ls-remote', new URL('/logged.git', base).href]);
  const last = await service.logged(
    ({ repository, command }) => repository === 'logged.git' && command === 'ls-refs',
  );
  expect(last).toMatchObject({ door: 'git', outcome: 'ok' });
  const commands = service.log.filter((line) => line.repository === 'logged.git').map((line) => line.command);
  expect(commands).toEqual(['advertise', 'ls-refs']);
});

test('no port, no door', async () => {
  const own = await startService(root);
  expect((await own.logged(({ msg }) => msg === 'listening')).git).toBeUndefined();
});
