/** How the door closes: answers are finished, and no client can hold it open by not finishing its request. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** @param receiveLimit milliseconds that a request may still take to come in after closing began */
export function endConnectionsOnClose(app: FastifyInstance, receiveLimit: number): void {
  let closing = false;
  /** The request that each connection is busy with. */
  const connections = new Map<Socket, IncomingMessage | undefined>();
  app.server.on('connection', (socket: Socket) => {
    connections.set(socket, undefined);
    socket.once('close', () => connections.delete(socket));
  });
  app.server.on('request', (request, response) => {
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
  app.addHook('preClose', async () => {
    closing = true;
    // Node stops looking at its requestTimeout and headersTimeout when a server begins to close.
    setTimeout(() => {
      for (const [socket, request] of connections) if (!request?.complete) socket.destroy();
    }, receiveLimit).unref();
  });
}
