/**
 * Sends requests over one connection and throws the answers away at a fifth of the CPU of Node's own client: the client
 * shares the machine with the service that is measured.
 */
import { once } from 'node:events';
import net from 'node:net';
import { REQUEST_HEADERS } from './client.ts';
import { HttpResponse } from './http-response.ts';

const READ_BYTES = 256 * 1024;

export class DiscardingClient {
  readonly #head: string;
  readonly #socket: net.Socket;
  #response: HttpResponse | undefined;
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  private constructor(url: string, repository: string) {
    const { hostname, port, host } = new URL(url);
    const headers = Object.entries({ Host: host, ...REQUEST_HEADERS }).map((pair) => pair.join(': '));
    this.#head = [`POST /${repository}/git-upload-pack HTTP/1.1`, ...headers, 'Content-Length: '].join(
      '\r\n',
    );
    this.#socket = net.connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      // One buffer for all reads.
      onread: {
        buffer: Buffer.allocUnsafe(READ_BYTES),
        callback: (length, buffer) => {
          this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, length));
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#settle?.reject(error));
    this.#socket.on('close', () => this.#settle?.reject(new Error('the service closed the connection')));
  }

  /**
   * @param url of the service, `http://host:port`
   * @param repository its path below that
   */
  static async connect(url: string, repository: string): Promise<DiscardingClient> {
    const client = new DiscardingClient(url, repository);
    await once(client.#socket, 'connect');
    return client;
  }

  /**
   * @param onBody gets the body as it comes, in a buffer that is used again
   * @throws Error when the answer is not 200, or `onBody` throws
   */
  post(body: Buffer, onBody: (bytes: Buffer) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#response = new HttpResponse(onBody);
      this.#settle = { resolve, reject };
      this.#socket.cork();
      this.#socket.write(`${this.#head}${body.length}\r\n\r\n`);
      this.#socket.write(body);
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    try {
      this.#response?.push(bytes);
      if (this.#response?.done) this.#end()?.resolve();
    } catch (error) {
      this.#end()?.reject(error as Error);
    }
  }

  #end() {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#response = undefined;
    return settle;
  }
}
