/** Connections that say nothing take no place from requests. */
import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository } from '../support/history.ts';
import { pkt } from '../support/requests.ts';
import { startService } from '../support/service.ts';

/** Half of the tasks that one worker holds. */
const PLACES = 512;

test('when there are too many, the next is told so, and requests are answered', async () => {
  const root = temporaryDirectory();
  createRepository(root, 'a.git');
  const service = await startService(root, ['--workers', '1', '--git-port', '0']);
  const { port } = new URL((await service.logged(({ msg }) => msg === 'listening')).git);
  const connect = async () => {
    const socket = net.connect({ port: Number(port), host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.write(pkt('git-upload-pack /a.git\0host=x\0\0version=2\0'));
    const [data] = (await once(socket, 'data')) as [Buffer];
    return { socket, said: data.toString() };
  };
  const silent = [];
  for (let i = 0; i < PLACES; i++) silent.push(await connect());
  expect(silent.every(({ said }) => said.startsWith('000eversion 2'))).toBe(true);
  const { said } = await connect();
  expect(said).toMatch(/^....ERR the server is busy \(too many connections\); try again in 30 s$/);
  expect(await gitIn(root, ['ls-remote', `${service.url}/a.git`])).toBe('');
  const [first, ...others] = silent;
  first.socket.end();
  await once(first.socket, 'close');
  await expect.poll(async () => (await connect()).said).toMatch(/^000eversion 2/);
  for (const { socket } of others) socket.destroy();
});
