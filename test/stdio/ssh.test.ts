/** git over a real sshd whose command is `packhorse upload-pack`: on its own, and handing its clients to a service. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_WINDOW } from '../../src/channel/messages.ts';
import { expectSameHistory, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { GIT_ENVIRONMENT, type GitResult, git, runGit } from '../support/git.ts';
import { addCommit, createRepository, History } from '../support/history.ts';
import { createLarge, LARGE_PACK_BYTES } from '../support/large.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { decodePackets, FLUSH, pkt } from '../support/requests.ts';
import { type LogLine, type RunningService, startService } from '../support/service.ts';
import { type RunningSshd, startSshd } from '../support/sshd.ts';

const root = temporaryDirectory();
let executable: string;

beforeAll(() => {
  executable = buildExecutable();
});

/** An sshd that serves what `packhorse upload-pack <arguments> <repository>` does, and nothing else. */
async function startForge(...args: string[]): Promise<RunningSshd> {
  const script = path.join(temporaryDirectory(), 'forge.sh');
  const words = [process.execPath, executable, 'upload-pack', ...args].map((word) => `'${word}'`);
  // What git asks for is `git-upload-pack '<path>'`.
  const lines = [
    '#!/bin/sh',
    `repository=\${SSH_ORIGINAL_COMMAND#"git-upload-pack '"}`,
    `exec ${words.join(' ')} "\${repository%"'"}"`,
  ];
  fs.writeFileSync(script, `${lines.join('\n')}\n`, { mode: 0o755 });
  return startSshd(script);
}

function createSource(name: string): string {
  const source = createRepository(root, name);
  const history = new History();
  for (let n = 0; n < 10; n++) history.commit({ branch: 'main', files: { [`file${n}`]: `${n}\n` } });
  history.tag('v1', ':3');
  history.importInto(source);
  return source;
}

function clientGit(
  forge: RunningSshd,
  version: number,
  directory: string,
  args: string[],
): Promise<GitResult> {
  return runGit(directory, ['-c', `protocol.version=${version}`, ...args], forge.environment);
}

/** Clones, then fetches what came since; both must get what there is. */
async function expectServed(
  forge: RunningSshd,
  version: number,
  source: string,
  url = `${forge.url}${source}`,
): Promise<void> {
  const parent = temporaryDirectory();
  const mirror = path.join(parent, 'clone');
  const cloned = await clientGit(forge, version, parent, ['clone', '--mirror', url, mirror]);
  expect(cloned).toMatchObject({ code: 0 });
  expectSameRepository(source, mirror);
  addCommit(source, 'main', { [`new in version ${version}`]: 'new\n' });
  expect(await clientGit(forge, version, mirror, ['fetch'])).toMatchObject({ code: 0 });
  expectSameHistory(source, mirror);
}

test.each([0, 1, 2])('version %i, in a process of its own', async (version) => {
  await expectServed(await startForge(), version, createSource(`own${version}.git`));
});

describe('through a service', () => {
  let service: RunningService;
  let forge: RunningSshd;

  beforeAll(async () => {
    service = await startService(root, ['--workers', '1']);
    const token = path.join(root, 'token');
    fs.writeFileSync(token, 'secret\n');
    forge = await startForge('--server', service.url, '--token-file', token);
  });

  const recordsOf = (repository: string) =>
    service.log.filter((line) => line.repository === repository && line.door === 'ssh');

  test.each([0, 1, 2])('version %i: clone and fetch, each with its record', async (version) => {
    const name = `served${version}.git`;
    await expectServed(forge, version, createSource(name), `${forge.url}/${name}`);
    const kinds = (line: LogLine) => line.repository === name && line.statistics?.kind === 'fetch';
    const last = await service.logged(kinds);
    expect(last).toMatchObject({ door: 'ssh', command: 'fetch', outcome: 'ok', client: '127.0.0.1' });
    const commands = recordsOf(name).map(({ command }) => command);
    const each = version === 2 ? ['advertise', 'ls-refs', 'fetch'] : ['fetch'];
    expect(commands).toEqual([...each, ...each]);
  });

  test('an idle client keeps no pack waiting, and gets all of it when it reads on', async () => {
    const source = createLarge(root, 'large.git');
    const client = startSession(forge, 'large.git');
    const pieces = client.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const parts = [(await pieces.next()).value as Buffer];
    client.stdin.write(
      `${pkt(`want ${git(source, ['rev-parse', 'main'])} side-band-64k ofs-delta include-tag`)}${FLUSH}${pkt('done')}`,
    );
    while (!Buffer.concat(parts).includes('PACK')) parts.push((await pieces.next()).value);
    // Nothing is read here from now on, so in the end the service waits for its client.
    await metricBecomes(service, 'packhorse_stream_inflight_bytes', (bytes) => bytes > DEFAULT_WINDOW / 2);
    // Others come and go, and it waits still.
    await clientGit(forge, 2, root, ['ls-remote', `${forge.url}/large.git`]);
    expect(await metric(service, 'packhorse_fetches_in_progress')).toBe(1);
    expect(await metric(service, 'packhorse_stream_inflight_bytes')).toBeGreaterThan(DEFAULT_WINDOW / 2);
    for await (const part of { [Symbol.asyncIterator]: () => pieces }) parts.push(part);
    const packets = decodePackets(Buffer.concat(parts));
    const pack = packets.filter(({ bytes }) => bytes[0] === 1).map(({ bytes }) => bytes.subarray(1));
    expect(packets.at(-1)?.text).toBe('flush');
    expect(Buffer.concat(pack).length).toBeGreaterThan(LARGE_PACK_BYTES);
    await service.logged((line) => line.repository === 'large.git' && line.outcome === 'ok');
    const high = await metric(service, 'packhorse_memory_high_water_bytes{kind="inflight"}');
    expect(high).toBeLessThan(2 * DEFAULT_WINDOW);
    expect(await metric(service, 'packhorse_stream_inflight_bytes')).toBe(0);
  });

  test('a repository that is not there', async () => {
    const { code, stderr } = await clientGit(forge, 2, root, ['ls-remote', `${forge.url}/absent.git`]);
    expect(code).toBe(128);
    expect(stderr).toContain('fatal: remote error: repository not found');
  });

  test('a service that is not there', async () => {
    const nowhere = await startForge('--server', 'http://127.0.0.1:1');
    const { code, stderr } = await clientGit(nowhere, 2, root, ['ls-remote', `${nowhere.url}/any.git`]);
    expect(code).toBe(128);
    expect(stderr).toContain('fatal: the service cannot be reached (ECONNREFUSED)');
    expect(stderr).toContain('fatal: remote error: the service cannot be reached (ECONNREFUSED)');
  });
});

/** The connection that git would have: an `ssh` that asks for a repository, in protocol version 0. */
function startSession({ url, environment }: RunningSshd, repository: string): ChildProcessWithoutNullStreams {
  const [command, ...first] = environment.GIT_SSH_COMMAND!.split(' ');
  const { username, hostname, port } = new URL(url);
  const args = [...first, '-p', port, `${username}@${hostname}`, `git-upload-pack '/${repository}'`];
  return spawn(command, args, { env: { ...GIT_ENVIRONMENT, ...environment } });
}
