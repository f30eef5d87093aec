/** How the door closes: answers are finished, and no client can hold it open by not finishing its request. */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';

/** @param receiveLimit milliseconds that a request may still take to come in after closing began */
export function endConnectionsOnClose(app: FastifyInstance, receiveLimit: number): void {
  let closing = false;
  /** The request that each connection is busy with; of HTTP/2, each stream is one. */
  const connections = new Map<Duplex, IncomingMessage | undefined>();
  const tracked = new WeakSet<Duplex>();
  const track = (connection: Duplex, request?: IncomingMessage) => {
    connections.set(connection, request);
    // One that asks to be upgraded, and is not, comes anew.
    if (!tracked.has(connection)) connection.once('close', () => connections.delete(connection));
    tracked.add(connection);
  };
  app.server.on('connection', (socket: Socket) => void (isEncrypted(app) || track(socket)));
  // A session of HTTP/2 ends by itself when its streams have.
  app.server.on('secureConnection', (socket: TLSSocket) => void (isHttp2(socket) || track(socket)));
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
      setTimeout(() => socket.destroy(), receiveLimit).unref();
    });
  });
  // Whoever takes an upgraded connection ends it.
  app.server.on('upgrade', (request) => connections.delete(request.socket));
  app.addHook('preClose', async () => {
    closing = true;
    // Node stops looking at its requestTimeout and headersTimeout when a server begins to close.
    setTimeout(() => {
      for (const [connection, request] of connections) if (!request?.complete) connection.destroy();
    }, receiveLimit).unref();
  });
}

function isEncrypted({ server }: FastifyInstance): boolean {
  return 'setSecureContext' in server;
}

function isHttp2({ alpnProtocol }: TLSSocket): boolean {
  return alpnProtocol === 'h2';
}
