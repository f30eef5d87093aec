/** A client by hand: it sends any bytes, and stops reading where it likes. */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import { git } from './git.ts';
import { v2Request } from './requests.ts';
import type { RunningService } from './service.ts';

export const REQUEST_TYPE = 'application/x-git-upload-pack-request';

/** The request of a fresh clone of all refs. */
export function cloneRequest(repository: string): string {
  const wants = git(repository, ['for-each-ref', '--format=%(objectname)']).split('\n');
  return v2Request('fetch', [...new Set(wants)].map((oid) => `want ${oid}`).concat('ofs-delta', 'done'));
}

export interface RawResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Any request, its path sent as it is written; the whole answer. */
export async function send(
  service: RunningService,
  options: {
    method?: string;
    path: string;
    headers?: http.OutgoingHttpHeaders;
    body?: string | Buffer | readonly (string | Buffer)[];
    agent?: http.Agent;
  },
): Promise<RawResponse> {
  const { response } = await open(service, options);
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) };
}

/** Sends a request; returns when the head of the answer is there, nothing of its body read. */
async function open(
  service: RunningService,
  { method = 'GET', path, headers = {}, body, agent }: Parameters<typeof send>[1],
) {
  const { hostname, port } = new URL(service.url);
  const request = http.request({ hostname, port, method, path, headers, agent: agent ?? false });
  // A server that refuses may close before it has read all of the body.
  request.on('error', () => {});
  const answered = once(request, 'response');
  if (Array.isArray(body)) for (const part of body) request.write(part);
  request.end(Array.isArray(body) ? undefined : body);
  const failed = once(request, 'close').then(() => {
    throw new Error('the connection ended without an answer');
  });
  failed.catch(() => {});
  const [response] = (await Promise.race([answered, failed])) as [http.IncomingMessage];
  return { request, response };
}

/** `POST <repository>/git-upload-pack` in protocol version 2. */
export function post(
  service: RunningService,
  repository: string,
  body: string | Buffer | readonly (string | Buffer)[],
  headers: http.OutgoingHttpHeaders = {},
): Promise<RawResponse> {
  return send(service, {
    method: 'POST',
    path: `/${repository}/git-upload-pack`,
    headers: { 'Content-Type': REQUEST_TYPE, 'Git-Protocol': 'version=2', ...headers },
    body,
  });
}

/** A fetch whose client has read the first piece of the answer, and reads on only when it is told to. */
export interface PausedFetch {
  readonly socket: import('node:net').Socket;
  /** Reads the rest; rejects when the connection breaks. */
  finish(): Promise<Buffer>;
  /** Goes away. */
  abort(): void;
}

export async function startFetch(
  service: RunningService,
  repository: string,
  body: string,
  agent?: http.Agent,
  headers: http.OutgoingHttpHeaders = {},
): Promise<PausedFetch> {
  const { request, response } = await open(service, {
    method: 'POST',
    path: `/${repository}/git-upload-pack`,
    headers: { 'Content-Type': REQUEST_TYPE, 'Git-Protocol': 'version=2', ...headers },
    body,
    ...(agent ? { agent } : {}),
  });
  const pieces = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await pieces.next();
  return {
    socket: request.socket!,
    async finish() {
      const parts: Buffer[] = [first.value];
      for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) parts.push(piece.value);
      return Buffer.concat(parts);
    },
    abort() {
      response.on('error', () => {});
      request.destroy();
    },
  };
}

/** Makes a repository of a pack and the refs of its source, as a clone would. */
export function repositoryFromPack(directory: string, pack: Buffer, source: string): string {
  fs.mkdirSync(directory, { recursive: true });
  git(directory, ['init', '--quiet', '--bare', '--initial-branch=main']);
  git(directory, ['index-pack', '--stdin', '--strict'], { input: pack });
  const refs = git(source, ['for-each-ref', '--format=create %(refname) %(objectname)']);
  git(directory, ['update-ref', '--stdin'], { input: `${refs}\n` });
  return directory;
}
