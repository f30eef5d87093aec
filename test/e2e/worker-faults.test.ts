/** Workers that are lost: their streams are told, those of others go on, and successors take their place. */
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { Faults } from '../support/faults.ts';
import { git, runGit } from '../support/git.ts';
import { createLarge } from '../support/large.ts';
import { watchOpenFiles } from '../support/open-files.ts';
import { cloneRequest, post, repositoryFromPack, send, startFetch } from '../support/raw-client.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { parseFetchAnswer } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const victim = createLarge(root, 'victim.git');
const other = createLarge(root, 'other.git');
const faults = new Faults();

const CRASHED = 'a worker of the server crashed; try again';
const PACK = 'victim.git/objects/pack/';
const HEAD = 'victim.git/HEAD';

/** Two workers, so that one is left; their heaps are soon full. */
async function startTwo(hangTimeout = 0): Promise<RunningService> {
  faults.set();
  const { NODE_OPTIONS, FAULTS_FILE } = faults.environment;
  const flags = ['--workers', '2', '--hang-timeout', `${hangTimeout}`, '--git-port', '0'];
  const service = await startService(root, flags, {
    FAULTS_FILE,
    NODE_OPTIONS: `${NODE_OPTIONS} --max-old-space-size=128`,
  });
  // What is opened once, such as the threads that read files, is open from now on.
  await Promise.all([clone(service, 'victim.git'), clone(service, 'other.git')]);
  return service;
}

describe.each([
  ['crash', 'crash', CRASHED],
  ['exit', 'crash', CRASHED],
  ['heap', 'memory', 'a worker of the server ran out of memory; try again'],
  ['hang', 'hang', 'a worker of the server did not go on; try again'],
  ['spin', 'hang', 'a worker of the server did not go on; try again'],
])('a worker lost by %s in mid-pack', (action, reason, text) => {
  test('is told on band 3 of its streams; others go on, and a successor serves', async () => {
    const service = await startTwo(reason === 'hang' ? 5 : 0);
    const nothingIsLeft = watchOpenFiles(service, root);
    const undisturbed = await startFetch(service, 'other.git', cloneRequest(other));
    const fetch = await startFetch(service, 'victim.git', cloneRequest(victim));
    faults.set({ name: action, calls: ['read'], path: PACK, action, times: 1 });
    const answer = parseFetchAnswer(await fetch.finish());
    expect(answer).toMatchObject({ lastWords: text, complete: false });
    expect(() => git(other, ['index-pack', '--stdin'], { input: answer.pack })).toThrow();

    const { pack, complete } = parseFetchAnswer(await undisturbed.finish());
    expect(complete).toBe(true);
    const received = repositoryFromPack(path.join(temporaryDirectory(), 'received'), pack, other);
    expectSameRepository(other, received);

    expectSameRepository(victim, await clone(service, 'victim.git'));
    expect(await metric(service, `packhorse_worker_restarts_total{reason="${reason}"}`)).toBe(1);
    await metricBecomes(service, 'packhorse_worker_threads', (threads) => threads === 2);
    const line = await service.logged(({ msg }) => msg === 'a worker was lost and is replaced');
    expect(line).toMatchObject({ reason, repositories: ['victim.git'] });
    const ended = await service.logged(({ outcome }) => outcome === 'error');
    expect(ended).toMatchObject({ repository: 'victim.git', error: { code: 'PACKHORSE_WORKER_LOST' } });
    await nothingIsLeft();
    expect(await service.stop()).toBe(0);
  });
});

describe('a worker lost before the first byte', () => {
  let service: RunningService;
  beforeAll(async () => {
    service = await startTwo();
  });
  const lose = (name: string) =>
    faults.set({ name, calls: ['readFile'], path: HEAD, action: 'crash', times: 1 });

  test('is a status of HTTP, or words that git prints', async () => {
    lose('refs');
    const refs = await send(service, { path: '/victim.git/info/refs?service=git-upload-pack' });
    expect([refs.status, refs.headers['retry-after'], refs.body.toString()]).toEqual([
      500,
      '1',
      `${CRASHED}\n`,
    ]);
    lose('pack');
    const pack = await post(service, 'victim.git', cloneRequest(victim));
    expect([pack.status, pack.body.toString().slice(4)]).toEqual([200, `ERR ${CRASHED}`]);
  });

  test('is told to clients of git://', async () => {
    lose('git');
    const { git: url } = await service.logged(({ msg }) => msg === 'listening');
    const { stderr } = await runGit(root, ['ls-remote', `${url}/victim.git`]);
    expect(stderr).toContain(CRASHED);
  });
});

test('the only worker is lost: those who wait for its place are served by its successor', async () => {
  faults.set({ name: 'only', calls: ['readFile'], path: HEAD, action: 'crash', times: 1 });
  const service = await startService(root, ['--workers', '1', '--light-limit', '1'], faults.environment);
  const names = ['victim.git', ...Array<string>(5).fill('other.git')];
  const answers = names.map((name) => send(service, { path: `/${name}/info/refs?service=git-upload-pack` }));
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([500, 200, 200, 200, 200, 200]);
});

test('workers that are lost one after the other: new work is refused for a while, then taken again', async () => {
  const service = await startTwo();
  const readiness = async () => {
    const response = await fetch(`${service.metricsUrl}/readyz`);
    return [response.status, await response.text()];
  };
  const ask = () => send(service, { path: '/victim.git/info/refs?service=git-upload-pack' });
  expect(await readiness()).toEqual([200, 'ok\n']);
  faults.set({ name: 'loop', calls: ['readFile'], path: HEAD, action: 'exit' });
  const told = new Set<string>();
  for (let n = 0; n < 5; n++) {
    const { status, body } = await ask();
    expect(status).toBe(500);
    told.add(body.toString());
  }
  expect([...told]).toEqual([`${CRASHED}\n`]);
  expect(await readiness()).toEqual([503, 'workers are lost one after the other\n']);
  expect(await metric(service, 'packhorse_breaker_open')).toBe(1);
  const struck = faults.struck('loop');
  const { status, body } = await ask();
  const refused = /^the server is not ready; try again in \d+ s\n$/;
  expect([status, body.toString()]).toEqual([503, expect.stringMatching(refused)]);
  const { git: url } = await service.logged(({ msg }) => msg === 'listening');
  const { stderr } = await runGit(root, ['ls-remote', `${url}/other.git`]);
  expect(stderr).toContain('the server is not ready; try again in');
  // None of these came as far as a worker.
  expect(faults.struck('loop')).toBe(struck);
  faults.set();
  await metricBecomes(service, 'packhorse_breaker_open', (open) => open === 0);
  expect(await readiness()).toEqual([200, 'ok\n']);
  expectSameRepository(victim, await clone(service, 'victim.git'));
}, 60_000);
