/** What the real git does with capabilities of protocol v2 that a configuration turns on. */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { clone, expectSameRepository, gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes, runGit } from '../support/git.ts';
import { createRepository, History, noise, packsOf } from '../support/history.ts';
import { post } from '../support/raw-client.ts';
import { pkt, v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const NAME = 'repo.git';
const ABSENT = '1'.repeat(40);
let service: RunningService;
let source: string;
let trace: string;

beforeAll(async () => {
  service = await startService(root, ['--workers', '1']);
});

beforeEach(() => {
  source = createRepository(root, NAME);
  const history = new History();
  history.commit({ branch: 'main', files: { large: noise(100_000, 1), small: 'small\n' } });
  history.commit({ branch: 'main', files: { small: 'other\n' } });
  history.importInto(source);
  trace = path.join(temporaryDirectory(), 'trace');
});

const configure = (key: string, value: string) => git(source, ['config', key, value]);
const traced = () => fs.readFileSync(trace, 'latin1');

/** Clones with a trace of the packets. */
async function cloneTraced(flags: readonly string[]): Promise<string> {
  const target = path.join(temporaryDirectory(), 'clone');
  const args = [...flags, 'clone', '--mirror', `${service.url}/${NAME}`, target];
  const result = await runGit(root, args, { GIT_TRACE_PACKET: trace, GIT_TEST_SIDEBAND_ALL: '1' });
  expect(result.stderr).toContain('Cloning into');
  expect(result.code).toBe(0);
  return target;
}

describe('packs from elsewhere', () => {
  /** A file server of one pack. */
  let files: http.Server;
  let pack: { readonly bytes: Buffer; readonly hash: string };
  const asked: string[] = [];

  beforeAll(async () => {
    files = http.createServer((request, response) => {
      asked.push(request.url!);
      response.end(pack.bytes);
    });
    files.listen(0, '127.0.0.1');
    await once(files, 'listening');
  });
  afterAll(() => void files.close());

  /** Offers `large` as a pack of its own. */
  function offerLarge(): void {
    const blob = git(source, ['rev-parse', 'main:large']);
    const bytes = gitBytes(source, ['pack-objects', '--stdout', '-q'], { input: `${blob}\n` });
    pack = { bytes, hash: bytes.subarray(-20).toString('hex') };
    const uri = `http://127.0.0.1:${(files.address() as AddressInfo).port}/large.pack`;
    configure('uploadpack.blobPackfileUri', `${blob} ${pack.hash} ${uri}`);
    configure('uploadpack.allowSidebandAll', 'true');
    asked.length = 0;
  }

  test('are fetched by a client that knows their protocol', async () => {
    offerLarge();
    const target = await cloneTraced(['-c', 'fetch.uriProtocols=http']);
    expect(asked).toEqual(['/large.pack']);
    expectSameRepository(source, target);
    const [first, second] = packsOf(target).map((name) => path.join(target, 'objects/pack', `${name}.pack`));
    expect([first, second].map((file) => fs.statSync(file).size > 100_000).sort()).toEqual([false, true]);
  });

  test('are fetched by a client that has some of the history', async () => {
    offerLarge();
    const target = path.join(temporaryDirectory(), 'clone');
    git(root, ['init', '--quiet', target]);
    await gitIn(target, ['-c', 'fetch.uriProtocols=http', 'fetch', '--quiet', `${service.url}/${NAME}`]);
    expect(asked).toEqual(['/large.pack']);
    await gitIn(target, ['fsck', '--full', '--strict', 'FETCH_HEAD']);
  });

  test('are sent to others', async () => {
    offerLarge();
    expectSameRepository(source, await cloneTraced(['-c', 'fetch.uriProtocols=https']));
    expect(asked).toEqual([]);
  });
});

describe('answers that are all in bands', () => {
  beforeEach(() => configure('uploadpack.allowSidebandAll', 'true'));

  test('are understood', async () => {
    const target = await cloneTraced([]);
    expect(traced()).toMatch(/> sideband-all$/m);
    expectSameRepository(source, target);
    const history = new History(100);
    history.commit({ branch: 'main', from: 'refs/heads/main^0', files: { more: 'more\n' } });
    history.importInto(source);
    await gitIn(target, ['fetch', '--quiet']);
    await gitIn(target, ['fetch', '--quiet', '--depth=1']);
    expect(await gitIn(target, ['rev-list', '--count', 'main'])).toBe('1\n');
    await gitIn(target, ['fetch', '--quiet', '--unshallow']);
    expect(await gitIn(target, ['rev-list', '--count', 'main'])).toBe('3\n');
  });

  test('tell errors', async () => {
    const client = createRepository(temporaryDirectory(), 'client.git');
    const { stderr } = await runGit(client, ['fetch', `${service.url}/${NAME}`, ABSENT]);
    expect(stderr).toContain(`fatal: remote error: upload-pack: not our ref ${ABSENT}`);
  });

  test('tell errors in bands where nothing else was told', async () => {
    const answer = await post(service, NAME, v2Request('fetch', ['sideband-all', `want ${ABSENT}`]));
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/x-git-upload-pack-result' },
    });
    expect(answer.body.toString()).toBe(pkt(`\x03upload-pack: not our ref ${ABSENT}`));
  });
});

test('server options are sent and taken', async () => {
  const args = ['-c', 'protocol.version=2', 'ls-remote', '--server-option=hello', '-o', 'world'];
  const result = await runGit(root, [...args, `${service.url}/${NAME}`], { GIT_TRACE_PACKET: trace });
  expect(result.stdout).toBe(`${git(root, ['ls-remote', source])}\n`);
  expect(traced()).toMatch(/> server-option=hello$/m);
  expect(traced()).toMatch(/> server-option=world$/m);
  await clone(service, NAME, ['--mirror', '--server-option=hello']);
});

test.each([
  ['0', /> want [0-9a-f]{40} .*session-id=/],
  ['2', /> session-id=/],
])('a session id is answered by another one, in protocol version %s', async (version, answered) => {
  configure('transfer.advertiseSID', 'true');
  const flags = ['-c', `protocol.version=${version}`, '-c', 'transfer.advertiseSID=true'];
  expectSameRepository(source, await cloneTraced(flags));
  expect(traced()).toMatch(/< .*session-id=[!-~]+/);
  expect(traced()).toMatch(answered);
});

test('commands that a client of today does not ask are counted by their names', async () => {
  configure('transfer.advertiseObjectInfo', 'true');
  configure('uploadpack.advertiseBundleURIs', 'true');
  for (const command of ['object-info', 'bundle-uri']) {
    expect((await post(service, NAME, v2Request(command))).body.toString()).toBe('0000');
    await service.logged((line) => line.command === command && line.outcome === 'ok');
    const text = await (await fetch(`${service.metricsUrl}/metrics`)).text();
    expect(text).toMatch(
      new RegExp(`requests_total{door="http",command="${command}",kind="none",outcome="ok"} 1`),
    );
  }
});
