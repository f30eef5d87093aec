/** `git http-backend` as a judge: one request, run the way a web server would. */
import { execFileSync } from 'node:child_process';
import { GIT_ENVIRONMENT } from './git.ts';

export interface BackendAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** @param url path and query */
export function askBackend(root: string, method: string, url: string): BackendAnswer {
  const [path, query = ''] = url.split('?');
  const answer = execFileSync('git', ['http-backend'], {
    env: {
      ...GIT_ENVIRONMENT,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: method,
      PATH_INFO: path,
      QUERY_STRING: query,
      SERVER_PROTOCOL: 'HTTP/1.1',
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const end = answer.indexOf('\r\n\r\n');
  const lines = answer.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  return { status: Number.parseInt(headers.status ?? '200', 10), headers, body: answer.subarray(end + 4) };
}
