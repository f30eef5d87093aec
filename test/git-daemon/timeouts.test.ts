/** Connections whose client does not take its turn: they are told so, and let go. */
import { once } from 'node:events';
import net from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { metric } from '../support/request-log.ts';
import { DELIM, FLUSH, pkt, v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const ABSENT = `have ${'1'.repeat(40)}\n`;
let tip: string;
let impatient: RunningService;

beforeAll(async () => {
  const repository = createRepository(root, 'a.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(repository);
  tip = git(repository, ['rev-parse', 'main']);
  impatient = await startService(root, ['--git-port', '0', '--idle-timeout', '1']);
});

interface Client {
  readonly socket: net.Socket;
  /** All that was said so far. */
  said(): string;
  /** Resolves when the other side has ended. */
  readonly ended: Promise<unknown>;
}

/** Over git://, or over HTTP upgraded to it. */
async function connect(service: RunningService, door: string, version: number): Promise<Client> {
  const { url, git: gitUrl } = await service.logged(({ msg }) => msg === 'listening');
  const { port } = new URL(door === 'git' ? gitUrl : url);
  const socket = net.connect(Number(port), '127.0.0.1').on('error', () => {});
  let said = '';
  socket.on('data', (data) => {
    said += data.toString('latin1');
  });
  const upgrade = [
    'GET /a.git/git-upload-pack HTTP/1.1',
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: git-upload-pack',
  ];
  socket.write(
    door === 'git'
      ? pkt(`git-upload-pack /a.git\0host=x\0\0version=${version}\0`)
      : `${[...upgrade, `Git-Protocol: version=${version}`].join('\r\n')}\r\n\r\n`,
  );
  return { socket, said: () => said, ended: once(socket, 'end') };
}

describe.each(['git', 'ssh'])('a client of the door %s that is silent', (door) => {
  test.each([
    ['in version 2 between two commands', 2, ''],
    ['in version 2 in the middle of a request', 2, pkt('command=fetch') + DELIM],
    ['in version 2 in the middle of a packet', 2, `${pkt('command=ls-refs')}00`],
    ['in version 0 after the list of refs', 0, ''],
    ['in version 0 in the middle of what it has', 0, 'wants'],
  ])('%s', async (_, version, says) => {
    const before = await metric(impatient, 'packhorse_timeouts_total{kind="idle"}');
    const seen = impatient.log.length;
    const { socket, said, ended } = await connect(impatient, door, version);
    socket.write(says === 'wants' ? pkt(`want ${tip}\n`) + FLUSH + pkt(ABSENT) : says);
    await ended;
    expect(said()).toMatch(/.{4}ERR the client was silent for too long$/);
    socket.end();
    const isNew = (line: object) => impatient.log.indexOf(line as never) >= seen;
    const line = await impatient.logged((line) => line.error?.code === 'PACKHORSE_IDLE' && isNew(line));
    expect(line).toMatchObject({ door, repository: 'a.git', outcome: 'client_aborted' });
    expect(await metric(impatient, 'packhorse_timeouts_total{kind="idle"}')).toBe(before + 1);
  });
});

test('a client that does not say what it wants at all is let go', async () => {
  const { git: gitUrl } = await impatient.logged(({ msg }) => msg === 'listening');
  const socket = net.connect(Number(new URL(gitUrl).port), '127.0.0.1').resume();
  await once(socket, 'close');
});

test.each([0, 2])('in version %i a negotiation without end is ended', async (version) => {
  const service = await startService(root, ['--git-port', '0', '--negotiation-timeout', '1']);
  const { socket, said, ended } = await connect(service, 'git', version);
  await expect.poll(said).toContain(version === 0 ? 'refs/heads/main' : 'version 2');
  // Longer than the limit, if nothing has been asked.
  const start = performance.now();
  while (performance.now() - start < 1500) await metric(service, 'packhorse_fetches_in_progress');
  const wants = pkt(`want ${tip}\n`);
  socket.write(version === 0 ? wants + FLUSH : pkt('command=fetch') + DELIM + wants);
  let isOver = false;
  const over = ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    socket.write(pkt(ABSENT));
    await metric(service, 'packhorse_fetches_in_progress');
  }
  await over;
  expect(said()).toMatch(/.{4}ERR the negotiation took too long$/);
  socket.destroy();
  const line = await service.logged(({ error }) => error?.code === 'PACKHORSE_NEGOTIATION_TIMEOUT');
  expect(line).toMatchObject({ outcome: 'rejected' });
  expect(await metric(service, 'packhorse_timeouts_total{kind="negotiation"}')).toBe(1);
});

test('a client that asks again and again may do so for as long as it likes', async () => {
  const service = await startService(root, ['--git-port', '0', '--negotiation-timeout', '1']);
  const { socket, said } = await connect(service, 'git', 2);
  const start = performance.now();
  for (let asked = 1; performance.now() - start < 2500; asked++) {
    socket.write(v2Request('ls-refs', ['ref-prefix refs/heads/']));
    await expect.poll(() => said().split('refs/heads/main').length - 1).toBe(asked);
  }
  socket.destroy();
});
