/** What is left of a request whose body was refused: it is read to its end, so that its connection can be used. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import zlib from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asPackhorseError } from '../../src/errors.ts';
import { readBody } from '../../src/front/http/request-body.ts';
import { ByteBudget } from '../../src/protocol/byte-budget.ts';

const LIMITS = {
  size: 1000,
  memory: new ByteBudget(2 ** 20).open(),
  idle: 0,
  signal: new AbortController().signal,
};
const REST = Buffer.alloc(4 * 2 ** 20, 'x');
/** Answers only after the whole of a refused request has come in. */
const server = http.createServer(async (request, response) => {
  const ended = once(request, 'end');
  try {
    await readBody(request, LIMITS);
  } catch (error) {
    await ended;
    response.writeHead(asPackhorseError(error).status);
  }
  response.end(`${request.listenerCount('data')}`);
});
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  agent.destroy();
  server.close();
});

async function send(body: Buffer, encoding: string) {
  const { port } = server.address() as AddressInfo;
  const headers = { 'Content-Encoding': encoding };
  const request = http.request({ host: '127.0.0.1', port, method: 'POST', agent, headers }).end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode, dataListeners: Buffer.concat(parts).toString() };
}

test.each([
  ['a gzip bomb', 413, Buffer.concat([zlib.gzipSync(Buffer.alloc(10 * 2 ** 20)), REST]), 'gzip'],
  ['no gzip', 400, REST, 'gzip'],
  ['too long and plain', 413, REST, 'identity'],
])('%s', async (_, status, body, encoding) => {
  expect(await send(body, encoding)).toEqual({ status, dataListeners: '0' });
  // On the same connection.
  expect(await send(zlib.gzipSync('0000'), 'gzip')).toMatchObject({ status: 200 });
});
