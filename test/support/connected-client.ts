/** A client by hand of a connection that goes on after its first answer. */
import fs from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type { RunningService } from './service.ts';

/** Sends the head of a request, with `Host`, and reads answers piece by piece. */
export class ConnectedClient {
  readonly socket: net.Socket;
  readonly #pieces: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);

  /** @param ca a file with the certificate of a service that speaks HTTPS */
  constructor({ url }: RunningService, head: readonly string[], body = '', ca?: string) {
    const { protocol, hostname, port } = new URL(url);
    const options = { host: hostname, port: Number(port), allowHalfOpen: true };
    const secure = { ...options, ...(ca && { ca: fs.readFileSync(ca) }) };
    this.socket = protocol === 'https:' ? tls.connect(secure) : net.connect(options);
    this.socket.write(`${[...head, 'Host: packhorse'].join('\r\n')}\r\n\r\n${body}`);
    this.#pieces = this.socket[Symbol.asyncIterator]();
  }

  /** One whose connection is to be upgraded to the protocol itself. `more` is what it says at once. */
  static upgraded(
    to: RunningService,
    target: string,
    options: {
      version?: number;
      headers?: Readonly<Record<string, string>>;
      more?: string;
      ca?: string;
    } = {},
  ): ConnectedClient {
    const { version = 2, headers = {}, more, ca } = options;
    const all = {
      Connection: 'Upgrade',
      Upgrade: 'git-upload-pack',
      'Git-Protocol': `version=${version}`,
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    return new ConnectedClient(to, [`GET ${target} HTTP/1.1`, ...lines], more, ca);
  }

  /** Reads until `text` has come; returns what came up to its end. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.#bytes.indexOf(text);
      if (at < 0) {
        await this.#more();
        continue;
      }
      const taken = this.#bytes.subarray(0, at + text.length);
      this.#bytes = this.#bytes.subarray(taken.length);
      return taken.toString('latin1');
    }
  }

  /** Reads what is left; rejects when the connection breaks. */
  async rest(): Promise<Buffer> {
    const parts = [this.#bytes];
    for (let piece = await this.#pieces.next(); !piece.done; piece = await this.#pieces.next()) {
      parts.push(piece.value);
    }
    return Buffer.concat(parts);
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#pieces.next();
    if (done) throw new Error(`the connection ended behind ${this.#bytes.toString('latin1')}`);
    this.#bytes = Buffer.concat([this.#bytes, value]);
  }
}
