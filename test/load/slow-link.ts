/** A slow way to the service: a TCP proxy that passes answers on at a rate, or holds them back until it is told. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterTests } from '../support/after-tests.ts';

export interface SlowLinkOptions {
  /** Of each connection; as fast as they come by default. */
  readonly bytesPerSecond?: number;
  /** Bytes of answers, over all connections, after which no more are passed on until {@link SlowLink.release}. */
  readonly holdAfter?: number;
}

export interface SlowLink {
  /** The service's, by way of this link. */
  readonly url: string;
  /** Resolves when answers are held back: the client is in the middle of one. */
  readonly held: Promise<void>;
  release(): void;
  close(): void;
}

/** @param target `http://host:port` or `git://host:port` */
export async function startSlowLink(
  target: string,
  { bytesPerSecond = Number.POSITIVE_INFINITY, holdAfter = Number.POSITIVE_INFINITY }: SlowLinkOptions,
): Promise<SlowLink> {
  const { protocol, hostname, port } = new URL(target);
  const sockets = new Set<net.Socket>();
  let hold = () => {};
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    hold = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let passed = 0;
  async function* slowly(answer: AsyncIterable<Buffer>) {
    for await (const bytes of answer) {
      passed += bytes.length;
      if (passed > holdAfter) {
        hold();
        await released;
      }
      if (Number.isFinite(bytesPerSecond)) {
        await delay((1000 * bytes.length) / bytesPerSecond, undefined, { ref: false });
      }
      yield bytes;
    }
  }
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const service = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    for (const socket of [client, service]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    // Either side may go away when it likes; then so does the other.
    const end = () => {
      client.destroy();
      service.destroy();
    };
    pipeline(client, service).catch(end);
    pipeline(service, slowly, client).catch(end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    release();
  };
  afterTests(close);
  return {
    url: `${protocol}//127.0.0.1:${(server.address() as AddressInfo).port}`,
    held,
    release,
    close,
  };
}
