/** The nginx that is deployed: where it sends requests, and what it does when replicas come and go. */
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { runClient, startGit } from '../load/clients.ts';
import { startSlowLink } from '../load/slow-link.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck } from '../support/git.ts';
import { createLarge } from '../support/large.ts';
import { type ProxiedRequest, type ReplicaProxy, startProxy } from '../support/proxy.ts';

const FLAGS = ['--workers', '1'];
const ONE = '127.0.3.1';
const TWO = '127.0.3.2';
const THREE = '127.0.3.3';
/** Of repositories that are not there: where a request goes does not depend on that. */
const NAMES = Array.from({ length: 60 }, (_, n) => `group/absent-${n}`);

const root = temporaryDirectory();
const NAME = 'group/name.git';
let proxy: ReplicaProxy;

beforeAll(async () => {
  createLarge(root, NAME);
  proxy = await startProxy(root, FLAGS, [ONE, TWO]);
  await Promise.all([ONE, TWO, THREE].map((address) => proxy.startReplica(address)));
});

/** What the log says of all that `client` asked for. */
async function requestsOf(client: () => Promise<unknown>, through = proxy): Promise<ProxiedRequest[]> {
  const before = through.requests().length;
  await client();
  // A line is written once its answer has left.
  const end = '/the/end/info/refs';
  await fetch(`${through.url}${end}`);
  await expect.poll(() => through.requests().at(-1)!.path, { timeout: 30_000 }).toBe(end);
  return through.requests().slice(before, -1);
}

/** The replica of each of NAMES. */
async function homes(): Promise<Map<string, string>> {
  const requests = await requestsOf(async () => {
    for (const name of NAMES) await fetch(`${proxy.url}/${name}/info/refs?service=git-upload-pack`);
  });
  expect(requests.map(({ status }) => status)).toEqual(NAMES.map(() => 404));
  return new Map(requests.map(({ repository, tried }) => [repository, tried.join()]));
}

/** Waits until nginx sends requests for NAMES to these replicas. */
async function settle(addresses: readonly string[]): Promise<void> {
  proxy.setReplicas(addresses);
  const used = async () => [...new Set((await homes()).values())].sort();
  await expect.poll(used, { timeout: 30_000 }).toEqual([...addresses].sort());
}

async function cloneNow(name = NAME): Promise<string> {
  const directory = temporaryDirectory();
  await runClient(directory, ['clone', '--quiet', '--mirror', `${proxy.url}/${name}`, 'clone']);
  return path.join(directory, 'clone');
}

test('a repository has one replica, whatever is asked of it and by whichever of its names', async () => {
  const requests = await requestsOf(async () => {
    await cloneNow('group/name.git');
    await cloneNow('group/name');
    await fetch(`${proxy.url}/group/name.git/bundles/${'0'.repeat(40)}.bundle`);
    await fetch(`${proxy.url}/group/name.git/HEAD`);
  });
  expect(requests.map(({ method }) => method)).toEqual([
    'GET',
    'POST',
    'POST',
    'GET',
    'POST',
    'POST',
    'GET',
    'GET',
  ]);
  expect(new Set(requests.map(({ repository }) => repository))).toEqual(new Set(['group/name']));
  expect(new Set(requests.map(({ tried }) => tried.join()))).toHaveLength(1);
});

test('a replica that comes takes its share from the others, and gives it back when it goes', async () => {
  const before = await homes();
  await settle([ONE, TWO, THREE]);
  const with3 = await homes();
  const moved = NAMES.filter((name) => with3.get(name) !== before.get(name));
  expect(new Set(moved.map((name) => with3.get(name)))).toEqual(new Set([THREE]));
  expect(moved.length).toBeLessThan(NAMES.length / 2);
  await settle([ONE, TWO]);
  expect(await homes()).toEqual(before);
});

test('what a replica that is gone should have answered is asked of the next one', async () => {
  // Nothing listens there; it is home to some repositories all the same.
  await settle([ONE, TWO]);
  proxy.setReplicas([ONE, '127.0.3.9']);
  const away = `127.0.3.9,${ONE}`;
  const passedOn = async () => [...(await homes()).values()].includes(away);
  await expect.poll(passedOn, { timeout: 30_000 }).toBe(true);
  const tried = new Set((await homes()).values());
  expect(tried).toEqual(new Set([ONE, away]));
  fsck(await cloneNow());
});

test('what a replica has no place for is asked of the next one, be it a POST', async () => {
  const own = await startProxy(root, FLAGS, [ONE, TWO]);
  const replica = await own.startReplica(ONE);
  // As a service answers that loses worker after worker, or drains while a connection to it is kept.
  const busy = http.createServer((request, response) =>
    request.resume().on('end', () => response.writeHead(503).end()),
  );
  busy.listen(Number(new URL(replica.url).port), TWO);
  await once(busy, 'listening');
  try {
    const names = Array.from({ length: 20 }, (_, n) => `/group/absent-${n}/git-upload-pack`);
    const post = (path: string) => fetch(`${own.url}${path}`, { method: 'POST', body: '0000' });
    const requests = await requestsOf(() => Promise.all(names.map(post)), own);
    expect(new Set(requests.map(({ tried }) => tried.join()))).toEqual(new Set([ONE, `${TWO},${ONE}`]));
    expect(requests.map(({ status }) => status)).not.toContain(503);
  } finally {
    busy.close();
  }
});

test('replicas whose name cannot be looked up are kept', async () => {
  await settle([ONE, TWO]);
  const reloads = proxy.reloads();
  proxy.setReplicas([]);
  fsck(await cloneNow());
  await settle([ONE, THREE]);
  expect(proxy.reloads()).toBe(reloads + 1);
});

test('upgrades are not passed on', async () => {
  const headers = { Upgrade: 'git-upload-pack', Connection: 'Upgrade' };
  const request = http.get(`${proxy.url}/${NAME}/git-upload-pack`, { headers });
  const [answer] = await once(request, 'response');
  expect(answer.resume().statusCode).toBe(405);
});

test('its health is its own', async () => {
  const answer = await fetch(`${proxy.url}/healthz`);
  expect([answer.status, await answer.text()]).toEqual([200, 'ok\n']);
});

test('when it is stopped, clones on their way are finished', async () => {
  const own = await startProxy(root, FLAGS, [ONE]);
  await own.startReplica(ONE);
  const link = await startSlowLink(own.url, { holdAfter: 1_000_000 });
  const directory = temporaryDirectory();
  const client = startGit(directory, ['clone', '--quiet', '--mirror', `${link.url}/${NAME}`, 'clone']);
  await link.held;
  const stopped = own.stop();
  await expect
    .poll(
      () =>
        fetch(own.url).then(
          () => 'answered',
          () => 'gone',
        ),
      { timeout: 30_000 },
    )
    .toBe('gone');
  link.release();
  expect(await client.ended).toMatchObject({ code: 0, stderr: '' });
  expect(await stopped).toBe(0);
  fsck(path.join(directory, 'clone'));
});
