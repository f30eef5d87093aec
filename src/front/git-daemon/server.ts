/** The git:// door (protocol section 2.8). It cannot ask who a client is. */
import { once } from 'node:events';
import net from 'node:net';
import type { Logger } from 'pino';
import type { PackhorseError } from '../../errors.ts';
import { type GitRequest, parseGitRequest, pathBelowRoot } from '../../protocol/git-request.ts';
import { encodeError, MAX_PKT_PAYLOAD, readLength } from '../../protocol/pkt-line.ts';
import { clientOf } from '../clients.ts';
import { letGo } from '../let-go.ts';
import type { Serving } from '../serving.ts';
import { runSession } from '../session.ts';
import { IdleTimer } from '../timeouts.ts';

export interface GitDoorOptions extends Serving {
  readonly logger: Logger;
}

export interface GitDoor {
  readonly server: net.Server;
  listen(options: { host: string; port: number }): Promise<void>;
  /** Takes no new connection, and resolves when those that are there have ended. */
  close(): Promise<void>;
}

export function createGitDoor(options: GitDoorOptions): GitDoor {
  // A client that has said all it has to say still listens.
  const server = net.createServer({ allowHalfOpen: true, keepAlive: true, noDelay: true }, (socket) => {
    socket.on('error', () => {}); // what it means for a fetch is seen by its pump
    serve(socket, options).catch((error) => {
      options.logger.error({ err: error }, 'a git:// connection failed');
      socket.destroy();
    });
  });
  return {
    server,
    async listen({ host, port }) {
      server.listen(port, host);
      await once(server, 'listening');
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

async function serve(socket: net.Socket, options: GitDoorOptions): Promise<void> {
  const { closing } = options.drain;
  const request = await readRequest(socket, options);
  if (closing.aborted) {
    socket.write(encodeError((closing.reason as PackhorseError).client));
    letGo(socket);
    return;
  }
  if (request?.service !== 'git-upload-pack') {
    socket.destroy(); // as git does: who says anything else is no client of ours
    return;
  }
  const { path, version } = request;
  const refuse = (error: PackhorseError | undefined) => socket.end(encodeError(refusal(error, path)));
  const repository = pathBelowRoot(path);
  if (repository === undefined) {
    refuse(undefined);
    letGo(socket);
    return;
  }
  const address = socket.remoteAddress ?? '';
  const client = clientOf(address, undefined, options.trustedProxies);
  const session = {
    repository,
    version,
    client,
    subject: undefined,
    address,
    agent: '',
    stream: socket,
    refuse,
  };
  await runSession({ door: 'git', ...session }, options);
  letGo(socket);
}

/** What a client that is not served is told: the same for all that it may not know. */
function refusal(error: PackhorseError | undefined, path: string): string {
  const codes = ['PACKHORSE_REPOSITORY_NOT_FOUND', 'PACKHORSE_SERVICE_DISABLED'];
  if (error && !codes.includes(error.code)) return error.client;
  return `access denied or repository not exported: ${Buffer.from(path, 'latin1').toString('utf8')}`;
}

/** @returns undefined when none comes, or something else does */
async function readRequest(
  socket: net.Socket,
  { timeouts, drain }: GitDoorOptions,
): Promise<GitRequest | undefined> {
  const late = new AbortController();
  const timer = new IdleTimer(timeouts.idle, () => late.abort());
  try {
    return parseGitRequest(await readPacket(socket, AbortSignal.any([late.signal, drain.closing])));
  } catch {
    return undefined;
  } finally {
    timer.stop();
  }
}

/** The payload of the first packet; the stream keeps what is behind it, and is paused. */
function readPacket(socket: net.Socket, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const stop = () => {
      socket.off('data', read).off('end', leave).off('close', leave);
      signal.removeEventListener('abort', leave);
      socket.pause();
    };
    const leave = () => {
      stop();
      reject(new Error('no request came'));
    };
    const read = (data: Buffer) => {
      bytes = Buffer.concat([bytes, data]);
      try {
        const length = bytes.length < 4 ? MAX_PKT_PAYLOAD : readLength(bytes, 0);
        if (length <= 4 || length > MAX_PKT_PAYLOAD + 4) return leave();
        if (bytes.length < length) return;
        stop();
        if (bytes.length > length) socket.unshift(bytes.subarray(length));
        resolve(bytes.subarray(4, length));
      } catch {
        leave(); // what came is no packet
      }
    };
    socket.on('data', read).once('end', leave).once('close', leave);
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
  });
}
