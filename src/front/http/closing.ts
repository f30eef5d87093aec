/** How the door closes: answers are finished, and no client can hold it open by not beginning its request. */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerResponse, Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';

/** Milliseconds that a client may take for what is no answer: to end its side, or to have said what it wants. */
const LINGER = 5000;

/** @param cutOff aborted when answers are not waited for any longer */
export function endConnectionsOnClose(app: FastifyInstance, cutOff: AbortSignal, linger = LINGER): void {
  let closing = false;
  /** The request that each connection is busy with; of HTTP/2, each stream is one. */
  const connections = new Map<Duplex, IncomingMessage | undefined>();
  const sessions = new Set<Http2Session>();
  const tracked = new WeakSet<Duplex>();
  const track = (connection: Duplex, request?: IncomingMessage) => {
    connections.set(connection, request);
    // One that asks to be upgraded, and is not, comes anew.
    if (!tracked.has(connection)) connection.once('close', () => connections.delete(connection));
    tracked.add(connection);
  };
  const soon = (action: () => void) => void setTimeout(action, linger).unref();
  app.server.on('connection', (socket: Socket) => void (isEncrypted(app) || track(socket)));
  app.server.on('secureConnection', (socket: TLSSocket) => void (isHttp2(socket) || track(socket)));
  app.server.on('session', (session: Http2Session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  app.server.on('request', (request, response) => {
    if (request.httpVersionMajor === 2) {
      track((response as unknown as Http2ServerResponse).stream, request);
      return;
    }
    const { socket } = request;
    connections.set(socket, request);
    response.once('close', () => {
      if (connections.has(socket)) connections.set(socket, undefined);
      if (!closing) return;
      // It would else stay open for its keep-alive time, or for as long as its client does not close.
      socket.end();
      soon(() => socket.destroy());
    });
  });
  // Whoever takes an upgraded connection ends it.
  app.server.on('upgrade', (request) => connections.delete(request.socket));
  app.addHook('preClose', async () => {
    closing = true;
    // Each ends when its streams have.
    for (const session of sessions) session.close();
    // Node.js stops looking at its headersTimeout when a server begins to close.
    soon(() => {
      for (const [connection, request] of connections) if (!request) connection.destroy();
    });
  });
  cutOff.addEventListener('abort', () =>
    soon(() => {
      for (const connection of [...connections.keys(), ...sessions]) connection.destroy();
    }),
  );
}

function isEncrypted({ server }: FastifyInstance): boolean {
  return 'setSecureContext' in server;
}

function isHttp2({ alpnProtocol }: TLSSocket): boolean {
  return alpnProtocol === 'h2';
}
