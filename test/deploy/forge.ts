/** A stand-in for a forge: `git http-backend` behind a server that asks its users who they are. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { afterTests } from '../support/after-tests.ts';
import { GIT_ENVIRONMENT } from '../support/git.ts';

export interface StandInForge {
  readonly url: string;
  /** `METHOD path` of every request so far. */
  readonly requests: string[];
}

/**
 * Repositories are found in lower case, as Forgejo has them. Everyone may read those of `public/`; the rest, and all
 * pushes, are for the user `ann` with this password.
 */
export async function startForge(root: string, password: string): Promise<StandInForge> {
  const requests: string[] = [];
  const authorization = `Basic ${Buffer.from(`ann:${password}`).toString('base64')}`;
  const server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://forge');
    requests.push(`${request.method} ${pathname}`);
    const isPush = [searchParams.get('service'), pathname.split('/').at(-1)].includes('git-receive-pack');
    if (request.headers.authorization !== authorization && (isPush || !pathname.startsWith('/public/'))) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="forge"' }).end();
      return;
    }
    if (/\/src\//.test(pathname)) {
      response.end('a page');
      return;
    }
    runBackend(root, request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTests(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** As a web server runs a CGI program. */
async function runBackend(
  root: string,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const { pathname, search } = new URL(request.url!, 'http://forge');
  const { headers, method } = request;
  const child = spawn('git', ['http-backend'], {
    env: {
      ...GIT_ENVIRONMENT,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_USER: 'ann',
      REQUEST_METHOD: method,
      PATH_INFO: pathname.replace(/^\/[^/]+\/[^/]+/, (name) => name.toLowerCase()),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: headers['content-type'],
      HTTP_CONTENT_ENCODING: headers['content-encoding'],
      HTTP_GIT_PROTOCOL: headers['git-protocol'] as string,
      CONTENT_LENGTH: headers['content-length'],
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  pipeline(request, child.stdin!).catch(() => {});
  let head = Buffer.alloc(0);
  for await (const bytes of child.stdout!) {
    if (response.headersSent) {
      response.write(bytes);
      continue;
    }
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf('\r\n\r\n');
    if (end >= 0) {
      for (const line of head.toString('latin1', 0, end).split('\r\n')) setHeader(response, line);
      response.write(head.subarray(end + 4));
    }
  }
  response.end();
}

function setHeader(response: http.ServerResponse, line: string): void {
  const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? [];
  if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
  else response.setHeader(name, value);
}
