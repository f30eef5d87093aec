/** A forge that says who may fetch, as the documentation tells forge authors to. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterTests } from '../support/after-tests.ts';

export interface ForgeAnswer {
  readonly status: number;
  readonly headers?: http.OutgoingHttpHeaders;
}

export interface TestForge {
  /** What `--authorize-url` takes. */
  readonly url: string;
  /** What it was asked, the latest last. */
  readonly questions: http.IncomingMessage[];
  /** How it answers; a test may change it. */
  answer: (repository: string, authorization: string | undefined) => ForgeAnswer | Promise<ForgeAnswer>;
}

/** It ends after the tests of the file. */
export async function startForge(answer: TestForge['answer']): Promise<TestForge> {
  const server = http.createServer(async (request, response) => {
    forge.questions.push(request);
    const repository = new URL(request.url!, 'http://forge').searchParams.get('repo')!;
    const { status, headers = {} } = await forge.answer(repository, request.headers.authorization);
    response.writeHead(status, headers).end();
  });
  const url = await listen(server);
  const forge: TestForge = { url: `${url}/allow?repo={repo}&service={service}`, questions: [], answer };
  return forge;
}

/** Starts any server; returns its address as `http://host:port`. */
export async function listen(server: import('node:net').Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTests(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
