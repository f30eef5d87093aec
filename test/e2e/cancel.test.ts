/** Clients that go away, whatever the service does for them just then: the work ends, and nothing is left of it. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { createLarge } from '../support/large.ts';
import { cloneRequest, REQUEST_TYPE } from '../support/raw-client.ts';
import { metric, metricBecomes, settled } from '../support/request-log.ts';
import { pkt, v2Request } from '../support/requests.ts';
import { type LogLine, type RunningService, startService } from '../support/service.ts';

/** More than a client that does not read can leave on its way, so no request for a list of them can end by itself. */
const REFS = 400_000;
const NAMES = { large: 'large.git', refs: 'refs.git', small: 'small.git' };

const root = temporaryDirectory();
let service: RunningService;
let listening: LogLine;
let tip: string;
let cloneLarge: string;

beforeAll(async () => {
  cloneLarge = cloneRequest(createLarge(root, NAMES.large));
  const small = createRepository(root, NAMES.small);
  const history = new History();
  for (let n = 0; n < 20; n++) history.commit({ branch: 'main', files: { a: `${n}\n` } });
  history.importInto(small);
  tip = git(small, ['rev-parse', 'main']);
  git(root, ['clone', '--quiet', '--bare', small, NAMES.refs]);
  service = await startService(root, ['--workers', '1', '--git-port', '0', '--dumb-http']);
  listening = await service.logged(({ msg }) => msg === 'listening');
  await clone(service, NAMES.large);
});

/** Refs in no order: they are sorted for the first who asks. Each call makes a file that no one has read. */
function writeRefs(order: 'sorted' | 'unsorted'): void {
  const lines = Array.from({ length: REFS }, (_, n) => {
    const number = order === 'sorted' ? n : (n * 7919) % REFS;
    return `${tip} refs/heads/topic-${number.toString().padStart(7, '0')}\n`;
  });
  const traits = order === 'sorted' ? ' sorted' : '';
  const file = path.join(root, NAMES.refs, 'packed-refs');
  fs.writeFileSync(`${file}.new`, `# pack-refs with: peeled fully-peeled${traits} \n${lines.join('')}`);
  fs.renameSync(`${file}.new`, file);
}

async function connect(url: string): Promise<net.Socket> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

/** Sends a request by HTTP, and reads nothing. */
async function send(method: string, target: string, body = '', version = 2): Promise<net.Socket> {
  const socket = await connect(service.url);
  const head = [
    `${method} /${target} HTTP/1.1`,
    'Host: x',
    `Content-Type: ${REQUEST_TYPE}`,
    `Content-Length: ${body.length}`,
    `Git-Protocol: version=${version}`,
  ];
  socket.pause();
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  return socket;
}

const post = (name: string, body: string) => send('POST', `${name}/git-upload-pack`, body);

/** Reads one piece, and no more. */
async function readOnce(socket: net.Socket): Promise<void> {
  socket.resume();
  await once(socket, 'data');
  socket.pause();
}

const waitsForClient = () =>
  metricBecomes(service, 'packhorse_stream_inflight_bytes', (bytes) => bytes >= 512 * 1024);

/** Each opens a connection, and comes back when the service is where the name says. */
const PHASES: Readonly<Record<string, () => Promise<net.Socket>>> = {
  async 'index files are read and put in order'() {
    writeRefs('unsorted');
    const socket = await post(NAMES.refs, v2Request('ls-refs', []));
    await metricBecomes(service, 'packhorse_pool_tasks', (tasks) => tasks === 1);
    return socket;
  },
  async 'refs are listed'() {
    writeRefs('sorted');
    const socket = await post(NAMES.refs, v2Request('ls-refs', []));
    await readOnce(socket);
    return socket;
  },
  async 'refs are advertised'() {
    writeRefs('sorted');
    const socket = await send('GET', `${NAMES.refs}/info/refs?service=git-upload-pack`, '', 0);
    await readOnce(socket);
    return socket;
  },
  async 'a list of refs is sent as a file'() {
    writeRefs('sorted');
    const socket = await send('GET', `${NAMES.refs}/info/refs`);
    await readOnce(socket);
    return socket;
  },
  async 'a clone is counted'() {
    const socket = await post(NAMES.large, cloneLarge);
    await metricBecomes(service, 'packhorse_pool_tasks', (tasks) => tasks === 1);
    return socket;
  },
  async 'a pack is sent'() {
    const socket = await post(NAMES.large, cloneLarge);
    await readOnce(socket);
    return socket;
  },
  async 'a pack waits for its client'() {
    const socket = await post(NAMES.large, cloneLarge);
    await waitsForClient();
    return socket;
  },
  async 'a large file waits for its client'() {
    const pack = fs
      .readdirSync(path.join(root, NAMES.large, 'objects/pack'))
      .find((f) => f.endsWith('.pack'));
    const socket = await send('GET', `${NAMES.large}/objects/pack/${pack}`);
    await waitsForClient();
    return socket;
  },
  async 'haves are waited for'() {
    const socket = await connect(listening.git);
    socket.write(pkt(`git-upload-pack /${NAMES.small}\0host=x\0`));
    await readOnce(socket);
    socket.write(`${pkt(`want ${tip} multi_ack_detailed\n`)}0000${pkt(`have ${'1'.repeat(40)}\n`)}0000`);
    await readOnce(socket);
    return socket;
  },
};

/** Files that the service has open, and its threads: those of Node's own pool come when they are first needed. */
function held() {
  const directory = `/proc/${service.process.pid}`;
  const links = fs.readdirSync(`${directory}/fd`).map((fd) => {
    try {
      return fs.readlinkSync(`${directory}/fd/${fd}`);
    } catch {
      return undefined; // closed meanwhile
    }
  });
  return {
    files: links.filter((link) => link?.startsWith(root)),
    threads: fs.readdirSync(`${directory}/task`),
  };
}

/** Connections of clients that the service has not closed: states ESTABLISHED and CLOSE_WAIT (proc(5), net/tcp). */
function connections(): string[] {
  const ports = [service.url, listening.git].map((url) =>
    Number(new URL(url).port).toString(16).toUpperCase(),
  );
  const rows = fs.readFileSync(`/proc/${service.process.pid}/net/tcp`, 'latin1').split('\n').slice(1, -1);
  return rows.filter((row) => {
    const [, local, , state] = row.trim().split(/\s+/);
    return ['01', '08'].includes(state) && ports.includes(local.split(':')[1]);
  });
}

const leave = Object.entries(PHASES).map(([phase, reach]) => ({ phase, reach, how: 'reset' }));
const [last] = leave.slice(-1);

// A program that is killed says no more; only where that is not all that is waited for, it is seen to be gone.
test.each([...leave, { ...last, how: 'end' }])('while $phase ($how)', async ({ reach, how }) => {
  await settled(service);
  const before = held();
  const logged = service.log.length;
  const socket = await reach();
  if (how === 'reset') socket.resetAndDestroy();
  else socket.end();
  const ended = () => service.log.slice(logged).filter(({ outcome }) => outcome !== undefined);
  await service.logged(() => ended().length > 0);
  expect(ended()).toMatchObject([{ outcome: 'client_aborted', level: 30 }]);
  expect(await metric(service, 'packhorse_stream_inflight_bytes')).toBe(0);
  await metricBecomes(service, 'packhorse_pool_tasks', (tasks) => tasks === 0);
  expect(connections()).toEqual([]);
  const after = held();
  expect(after.threads).toEqual(expect.arrayContaining(before.threads));
  // Packs are kept open for the next request.
  const packs = ({ files }: typeof after) => new Set(files.filter((file) => file?.endsWith('.pack')));
  expect(after.files.length).toBe(packs(after).size);
  expectSameRepository(path.join(root, NAMES.large), await clone(service, NAMES.large));
  expect(service.log.filter(({ level }) => level >= 40)).toEqual([]);
});
