/** Connections that say much and mean nothing: what they say is not kept, and others are served. */
import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { metric } from '../support/request-log.ts';
import { DELIM, FLUSH, pkt } from '../support/requests.ts';
import { startService } from '../support/service.ts';

const CONNECTIONS = 8;
/** Of lines that each of them sends. */
const BYTES = 16 * 2 ** 20;

/** Lines that name so many objects as no repository has. */
function unknown(word: string, bytes: number): Buffer {
  const line = pkt(`${word} ${'0'.repeat(40)}\n`);
  const all = Buffer.alloc(bytes - (bytes % line.length), line);
  for (let at = 0, n = 1; at < all.length; at += line.length, n++) {
    all.write(n.toString(16).padStart(40, '0'), at + 5 + word.length, 'latin1');
  }
  return all;
}

test('connections that name millions of objects leave no trace in memory', async () => {
  const root = temporaryDirectory();
  const repository = createRepository(root, 'a.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(repository);
  const tip = git(repository, ['rev-parse', 'main']);
  const service = await startService(root, ['--workers', '1', '--git-port', '0']);
  const { port, href } = new URL((await service.logged(({ msg }) => msg === 'listening')).git);

  /** Sends all that it has to say but for the end of the request. */
  const connect = async (version: 0 | 2) => {
    const socket = net.connect({ port: Number(port), host: '127.0.0.1' });
    let said = '';
    socket.on('data', (data) => {
      said += data;
    });
    socket.write(pkt(`git-upload-pack /a.git\0host=x\0\0version=${version}\0`));
    const start = version === 2 ? pkt('command=fetch') + DELIM + pkt(`want ${tip}`) : pkt(`want ${tip}`);
    for (const part of [Buffer.from(start), unknown('shallow', BYTES / 2)]) {
      if (!socket.write(part)) await once(socket, 'drain');
    }
    if (version === 0) socket.write(FLUSH);
    if (!socket.write(unknown('have', BYTES / 2))) await once(socket, 'drain');
    return {
      socket,
      async finish() {
        socket.write(FLUSH);
        await expect.poll(() => said, { timeout: 30_000 }).toMatch(/NAK\n/);
      },
    };
  };
  expect(await gitIn(root, ['ls-remote', `${href}/a.git`])).toContain(tip);
  const before = await metric(service, 'packhorse_memory_high_water_bytes{kind="rss"}');
  const hostile = await Promise.all(
    Array.from({ length: CONNECTIONS }, (_, i) => connect(i % 3 === 0 ? 0 : 2)),
  );
  expect(await gitIn(root, ['ls-remote', `${href}/a.git`])).toContain(tip);
  // Each has been read to its end, and all are held open until then.
  for (const { finish } of hostile) await finish();
  for (const { socket } of hostile) socket.destroy();
  const growth = (await metric(service, 'packhorse_memory_high_water_bytes{kind="rss"}')) - before;
  expect(growth, String(growth)).toBeLessThan(200 * 2 ** 20);
  expect(service.log.filter(({ level }) => level >= 50)).toEqual([]);
});
