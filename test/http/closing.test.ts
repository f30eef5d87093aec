/** Closing with requests that never begin, or never end: they are cut off in time, answers that are under way are not. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { endConnectionsOnClose } from '../../src/front/http/closing.ts';

const BODY = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n';

test.each([
  [
    'head does not hold the door open, and an answer is finished',
    'POST / HTTP/1.1\r\nHost: x\r\n',
    'a: b\r\n',
  ],
  ['body holds the door open until nothing is waited for any longer', BODY, 'a'],
])('a dribbled %s', async (_, begin, drop) => {
  const app = Fastify({ forceCloseConnections: 'idle' });
  const cutOff = new AbortController();
  endConnectionsOnClose(app, cutOff.signal, 100);
  app.post('/', async () => 'received');
  let finish = () => {};
  app.get('/slow', (_request, reply) => {
    reply.hijack();
    reply.raw.write('begin,');
    finish = () => void reply.raw.end('end');
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const slow = await fetch(`http://127.0.0.1:${port}/slow`);
  const dribbler = net.connect(port, '127.0.0.1').on('error', () => {});
  const cut = new Promise((resolve) => dribbler.once('close', resolve));
  dribbler.write(begin);
  const [socket] = (await once(app.server, 'connection')) as [net.Socket];
  // Closing begins in the middle of the request.
  const drops = await new Promise<NodeJS.Timeout>((begun) => {
    const timer = setInterval(() => {
      dribbler.write(drop);
      if (socket.bytesRead > begin.length) begun(timer);
    }, 10);
  });
  const closed = app.close();
  if (begin === BODY) {
    finish();
    expect(await slow.text()).toBe('begin,end');
    expect(dribbler.destroyed).toBe(false);
    cutOff.abort();
  }
  await cut;
  clearInterval(drops);
  finish();
  if (begin !== BODY) expect(await slow.text()).toBe('begin,end');
  await closed;
});
