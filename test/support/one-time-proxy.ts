/** A proxy before the service that changes one answer: for its client, refs have moved between two requests. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterTests } from './after-tests.ts';
import type { RunningService } from './service.ts';

export interface OneTimeProxy {
  readonly url: string;
  /** Replaces a text by another one of the same length in the next answer to `ls-refs`. */
  change(from: string, to: string): void;
}

/** It ends after the tests of the file. */
export async function startOneTimeProxy(service: RunningService): Promise<OneTimeProxy> {
  let change: { from: string; to: string } | undefined;
  const server = http.createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const { method = 'GET', headers } = request;
    const upstream = http.request(`${service.url}${request.url}`, { method, headers });
    upstream.end(body);
    const [answer] = (await once(upstream, 'response')) as [http.IncomingMessage];
    const answered: Buffer[] = [];
    for await (const part of answer) answered.push(part);
    let text = Buffer.concat(answered).toString('latin1');
    if (change && body.includes('command=ls-refs')) {
      text = text.replaceAll(change.from, change.to);
      change = undefined;
    }
    response.writeHead(answer.statusCode!, { 'Content-Type': answer.headers['content-type'] });
    response.end(text, 'latin1');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTests(() => server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    change(from, to) {
      change = { from, to };
    },
  };
}
