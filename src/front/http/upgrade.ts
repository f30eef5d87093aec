/** Connections that an SSH daemon's command hands on: HTTP upgraded to the protocol itself (`protocol/upgrade.ts`). */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { asPackhorseError, notAllowed, notAllowedAnyMore, PackhorseError } from '../../errors.ts';
import { encodeError } from '../../protocol/pkt-line.ts';
import { parseTraceparent } from '../../protocol/traceparent.ts';
import { UPGRADE_TOKEN } from '../../protocol/upgrade.ts';
import { parseVersion } from '../../protocol/version.ts';
import { CHALLENGE, type Grant } from '../auth/access.ts';
import { clientOf } from '../clients.ts';
import { letGo } from '../let-go.ts';
import type { Serving } from '../serving.ts';
import { recordRefusal, runSession, type Session } from '../session.ts';
import { NO_CACHE } from './plain-answers.ts';
import { findRoute } from './routes.ts';

export interface UpgradeOptions extends Serving {
  readonly logger: FastifyBaseLogger;
}

/** Why a connection is not upgraded. */
interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const SWITCHING = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${UPGRADE_TOKEN}\r\n\r\n`;

export function acceptUpgrades(app: FastifyInstance, options: UpgradeOptions): void {
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (head.length > 0) socket.unshift(head);
    if (!asksForUs(request)) return takeAsOrdinary(app, request, socket);
    socket.on('error', () => {}); // what it means for a fetch is seen by its pump
    serve(request, socket, options).catch((error) => {
      options.logger.error({ err: error }, 'an upgraded connection failed');
      socket.destroy();
    });
  });
}

async function serve(request: IncomingMessage, socket: Socket, options: UpgradeOptions): Promise<void> {
  const route = findRoute(pathOf(request));
  const refusal = refusalOf(request, route?.name, options.drain.closing);
  if (refusal || !route) return refuse(request, socket, refusal ?? NOT_FOUND);
  const { 'git-protocol': version, 'user-agent': agent = '' } = request.headers;
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  socket.allowHalfOpen = true; // it is not with TLS, and a client that has said all it has to say still listens
  const client = clientOf(socket.remoteAddress, request.headers['x-forwarded-for'], options.trustedProxies);
  const session: Session = {
    door: 'ssh',
    repository: route.repository,
    version: parseVersion(Array.isArray(version) ? version.join(':') : version),
    client,
    subject: undefined,
    address: client ?? socket.remoteAddress ?? '',
    agent,
    trace: parseTraceparent(request.headers.traceparent),
    stream: socket,
    refuse: (error) => void socket.end(encodeError(error.client)),
  };
  const granted = await grantOf(request, session, socket, options);
  if (granted instanceof PackhorseError) {
    recordRefusal(session, granted);
    if (granted.code !== 'PACKHORSE_NOT_ALLOWED') return refuse(request, socket, asRefusal(granted));
    // As what is absent, which is found out behind the upgrade.
    socket.write(SWITCHING);
    session.refuse(granted);
  } else {
    const { repository } = granted;
    const permit = async () => {
      const again = await grantOf(request, session, socket, options);
      if (again instanceof PackhorseError)
        throw again.retryAfter === undefined ? notAllowedAnyMore(again) : again;
      // The name stands for another repository now.
      if (again.repository !== repository) throw notAllowedAnyMore(notAllowed(session.repository));
    };
    socket.write(SWITCHING);
    await runSession({ ...session, ...granted, permit }, options);
  }
  letGo(socket);
}

/** What a session may have; the error where it may not. */
async function grantOf(
  { headers }: IncomingMessage,
  { repository, client }: Session,
  socket: Socket,
  { authorize }: Serving,
): Promise<Grant | PackhorseError> {
  try {
    return await authorize({ repository, authorization: headers.authorization, client, socket });
  } catch (error) {
    return asPackhorseError(error);
  }
}

function asRefusal({ status, client, retryAfter }: PackhorseError): Refusal {
  const wait = retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) };
  return { status, text: client, headers: status === 401 ? CHALLENGE : wait };
}

const NOT_FOUND: Refusal = { status: 404, text: 'not found' };

function refusalOf(
  request: IncomingMessage,
  route: string | undefined,
  closing: AbortSignal,
): Refusal | undefined {
  if (route !== 'upload-pack') return NOT_FOUND;
  if (request.method !== 'GET') {
    return { status: 405, text: `${request.method} does not upgrade`, headers: { Allow: 'GET' } };
  }
  return closing.aborted ? { status: 503, text: (closing.reason as Error).message } : undefined;
}

function refuse(request: IncomingMessage, socket: Socket, { status, text, headers }: Refusal): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.writeHead(status, { ...NO_CACHE, ...headers, 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`, () => letGo(socket));
}

function asksForUs({ headers }: IncomingMessage): boolean {
  const offered = (headers.upgrade ?? '').split(',').map((token) => token.trim().toLowerCase());
  return offered.includes(UPGRADE_TOKEN);
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0];
}

/**
 * A server may answer as if nothing else had been offered, such as the HTTP/2 that curl offers with any request. Node.js
 * has taken its parser away, so the request is read once more, without the offer.
 */
function takeAsOrdinary(app: FastifyInstance, request: IncomingMessage, socket: Socket): void {
  const { method, url, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!/^(?:connection|upgrade)$/i.test(rawHeaders[i]))
      lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  socket.unshift(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
  app.server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
}
