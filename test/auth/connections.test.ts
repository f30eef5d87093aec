/** What is taken back is refused on connections that are open as well, from the next request on. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { ConnectedClient } from '../support/connected-client.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { git, runGit } from '../support/git.ts';
import { createLarge, LARGE_PACK_BYTES } from '../support/large.ts';
import { FLUSH, parseFetchAnswer, pkt, v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';
import { type ForgeAnswer, startForge, type TestForge } from './forge.ts';
import { bearer, makeTokenFile } from './tokens.ts';

const root = temporaryDirectory();
const NAME = 'large.git';
const TARGET = `/${NAME}/git-upload-pack`;
const ALLOWED: ForgeAnswer = { status: 200, headers: { 'X-Packhorse-Repository': NAME } };
const REFUSAL = 'you may not fetch on this connection any more; connect again';
let source: string;
let forge: TestForge;
let service: RunningService;

beforeAll(async () => {
  source = createLarge(root, NAME);
  fs.cpSync(source, path.join(root, 'other.git'), { recursive: true });
  forge = await startForge(() => ALLOWED);
  const flags = ['--auth', 'forward', '--authorize-url', forge.url, '--authorize-cache', '0'];
  service = await startService(root, ['--workers', '1', ...flags]);
});

beforeEach(() => {
  forge.answer = () => ALLOWED;
  forge.questions.length = 0;
});

const LIST = v2Request('ls-refs', ['ref-prefix HEAD']);
const CLONE = () => {
  const tip = git(source, ['rev-parse', 'main']);
  return v2Request('fetch', [`want ${tip}`, 'ofs-delta', 'no-progress', 'done']);
};

/** A connection on which one request has been answered. */
async function connect(to = service, headers = bearer('a token')): Promise<ConnectedClient> {
  const client = ConnectedClient.upgraded(to, TARGET, { headers });
  await client.until(FLUSH);
  client.socket.write(LIST);
  expect(await client.until(FLUSH)).toContain(' HEAD\n');
  return client;
}

async function expectRefusal(client: ConnectedClient, request: string, why = REFUSAL): Promise<void> {
  client.socket.write(request);
  expect((await client.rest()).toString()).toBe(pkt(`ERR ${why}`));
  client.socket.destroy();
}

test.each([
  [401, 'PACKHORSE_UNAUTHENTICATED'],
  [404, 'PACKHORSE_NOT_ALLOWED'],
])('a client that the forge answers with %i from now on hears so, and is let go', async (status, code) => {
  const client = await connect();
  forge.answer = () => ({ status });
  await expectRefusal(client, CLONE());
  const line = await service.logged(({ error }) => error?.code === code);
  expect(line).toMatchObject({ door: 'ssh', outcome: 'rejected', repository: NAME });
});

test('so is one whose token has been taken out of the file', async () => {
  const { file, tokens } = makeTokenFile(['stays', 'leaver']);
  const own = await startService(root, ['--workers', '1', '--auth', 'token', '--token-file', file]);
  const leaver = await connect(own, bearer(tokens.leaver));
  const stays = await connect(own, bearer(tokens.stays));
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/^leaver .*\n/m, ''));
  await expectRefusal(leaver, LIST);
  stays.socket.write(LIST);
  expect(await stays.until(FLUSH)).toContain(' HEAD\n');
  stays.socket.destroy();
});

test('and one whose repository has another one in its place', async () => {
  const client = await connect();
  forge.answer = () => ({ status: 200, headers: { 'X-Packhorse-Repository': 'other.git' } });
  await expectRefusal(client, LIST);
});

test.each([
  ['what is asked while it comes', false],
  ['what came along with its request', true],
])('a pack that has begun arrives, and %s is refused', async (_, isAlong) => {
  const client = await connect();
  const asked = forge.questions.length;
  forge.answer = () => (forge.questions.length === asked + 1 ? ALLOWED : { status: 401 });
  client.socket.write(isAlong ? `${CLONE()}${LIST}` : CLONE());
  const start = await client.until('packfile\n');
  if (!isAlong) client.socket.write(LIST);
  const all = Buffer.concat([Buffer.from(start, 'latin1'), await client.rest()]);
  const last = pkt(`ERR ${REFUSAL}`);
  const end = all.length - last.length;
  const { complete, pack } = parseFetchAnswer(all.subarray(0, end));
  expect(complete).toBe(true);
  expect(pack.length).toBeGreaterThan(LARGE_PACK_BYTES);
  expect(all.subarray(end).toString()).toBe(last);
});

test('a forge that is down ends no connection on which nothing is asked, and no request begins meanwhile', async () => {
  const [patient, hasty] = [await connect(), await connect()];
  forge.answer = () => ({ status: 500 });
  await expectRefusal(hasty, LIST, 'it cannot be found out who may fetch; try again in 5 s');
  forge.answer = () => ALLOWED;
  patient.socket.write(LIST);
  expect(await patient.until(FLUSH)).toContain(' HEAD\n');
  patient.socket.destroy();
});

test('git is told so', async () => {
  const program = `${process.execPath} ${buildExecutable()} upload-pack --server ${service.url} ${NAME}`;
  const clone = (target: string) => {
    const args = ['clone', '--quiet', `--upload-pack=sh -c '${program}'`, `file://${source}`, target];
    return runGit(temporaryDirectory(), args, { GIT_PROTOCOL: 'version=2' });
  };
  expect(await clone('whole')).toMatchObject({ code: 0, stderr: '' });
  // When it connects, for its list of refs, for its pack.
  expect(forge.questions).toHaveLength(3);
  forge.questions.length = 0;
  forge.answer = () => (forge.questions.length <= 2 ? ALLOWED : { status: 404 });
  const { code, stderr } = await clone('refused');
  expect(code).toBe(128);
  expect(stderr).toContain(`remote error: ${REFUSAL}`);
});
