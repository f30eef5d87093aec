/** A git client reduced to its requests: it checks what comes and throws it away, so its memory stays as it is. */
import { once } from 'node:events';
import http from 'node:http';
import { finished } from 'node:stream/promises';
import { encodeFetch, encodeLsRefs, type FetchQuery } from './request.ts';
import { FetchResponse } from './response.ts';

export interface FetchOptions {
  /** Bytes that are read in a second at most; as fast as they come by default. */
  readonly bytesPerSecond?: number;
  /** Seconds after the first byte at which the client hangs up; never by default. */
  readonly hangUpAfter?: number;
  /** Told of every text on band 2, and of every piece read; what it may do is hang up, or stop to read. */
  readonly onProgress?: (text: string, transfer: Transfer) => void;
  readonly onBytes?: (packBytes: number, transfer: Transfer) => void;
}

/** A response on its way. */
export interface Transfer {
  hangUp(): void;
  /** Stops to read; the connection stays. */
  stall(): void;
}

export interface FetchResult {
  /** Whether the whole pack came, and was right; false after a hang-up. */
  readonly complete: boolean;
  readonly packBytes: number;
  /** As the pack's header said; 0 when it never came. */
  readonly objects: number;
  readonly seconds: number;
  /** Milliseconds on the machine's clock (as `Date.now()`) when the client hung up, if it did. */
  readonly hungUpAt: number | undefined;
}

export interface Ref {
  readonly oid: string;
  readonly name: string;
}

export const REQUEST_HEADERS = {
  'Git-Protocol': 'version=2',
  'User-Agent': 'git/2.39.5',
  'Content-Type': 'application/x-git-upload-pack-request',
};

export class GitClient {
  readonly #url: string;
  readonly #format: string;
  /** One connection, kept open between requests, as git does. */
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  /**
   * @param url of the repository
   * @param format its hash: `sha1` or `sha256`
   */
  constructor(url: string, format = 'sha1') {
    this.#url = url;
    this.#format = format;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** What a clone does: the advertisement, the refs, then everything they reach. */
  async clone(options: FetchOptions = {}): Promise<FetchResult> {
    await this.advertisement();
    const refs = await this.lsRefs();
    return this.fetch({ wants: [...new Set(refs.map(({ oid }) => oid))], haves: [] }, options);
  }

  /** Asks for the capabilities; returns the bytes of the answer. */
  async advertisement(): Promise<number> {
    const response = await this.#send('GET', '/info/refs?service=git-upload-pack');
    return (await readAll(response)).length;
  }

  async lsRefs(): Promise<Ref[]> {
    const response = await this.#send('POST', '/git-upload-pack', encodeLsRefs(this.#format));
    const text = (await readAll(response)).toString('latin1');
    // No line holds a line feed but at its end, so the four digits of its length need not be read.
    return [...text.matchAll(/^[0-9a-f]{4}([0-9a-f]+) (\S+).*$/gm)].map(([, oid, name]) => ({ oid, name }));
  }

  /** @throws Error when the response is not valid */
  async fetch(query: FetchQuery, options: FetchOptions = {}): Promise<FetchResult> {
    const start = performance.now();
    const response = await this.#send('POST', '/git-upload-pack', encodeFetch(query, this.#format));
    const { reader, hungUpAt } = await this.#receive(response, options);
    const seconds = (performance.now() - start) / 1000;
    const { packBytes, objects = 0 } = reader;
    return { complete: hungUpAt === undefined, packBytes, objects, seconds, hungUpAt };
  }

  async #receive(response: http.IncomingMessage, options: FetchOptions) {
    let hungUpAt: number | undefined;
    let stalled = false;
    const transfer: Transfer = {
      hangUp() {
        hungUpAt ??= Date.now();
        response.destroy();
      },
      stall() {
        stalled = true;
        response.pause();
      },
    };
    const reader = new FetchResponse(this.#format, {
      onProgress: (text) => options.onProgress?.(text, transfer),
    });
    const throttle = options.bytesPerSecond ? new Throttle(options.bytesPerSecond) : undefined;
    const timer =
      options.hangUpAfter === undefined
        ? undefined
        : setTimeout(() => transfer.hangUp(), options.hangUpAfter * 1000);
    response.on('data', (bytes: Buffer) => {
      if (hungUpAt !== undefined) return;
      try {
        reader.push(bytes);
        options.onBytes?.(reader.packBytes, transfer);
      } catch (error) {
        response.destroy(error as Error);
        return;
      }
      const early = throttle?.early(bytes.length) ?? 0;
      if (early <= 0 || stalled) return;
      response.pause();
      setTimeout(() => response.resume(), early);
    });
    try {
      await finished(response);
      reader.end();
    } catch (error) {
      if (hungUpAt === undefined) throw error;
    } finally {
      clearTimeout(timer);
    }
    return { reader, hungUpAt };
  }

  async #send(method: string, path: string, body?: Buffer): Promise<http.IncomingMessage> {
    const { 'Content-Type': type, ...headers } = REQUEST_HEADERS;
    const request = http.request(this.#url + path, {
      method,
      agent: this.#agent,
      headers: body ? { ...headers, 'Content-Type': type, 'Content-Length': body.length } : headers,
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    // What breaks the connection later is told by the response as well.
    request.on('error', () => {});
    if (response.statusCode !== 200) {
      throw new Error(`${method} ${path}: ${response.statusCode} ${await readAll(response)}`);
    }
    return response;
  }
}

/** Says how long to wait so that no more than so many bytes are read in a second. */
class Throttle {
  readonly #bytesPerSecond: number;
  #start: number | undefined;
  #bytes = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Milliseconds by which the bytes read so far are early. */
  early(bytes: number): number {
    this.#start ??= performance.now();
    this.#bytes += bytes;
    return this.#start + (this.#bytes / this.#bytesPerSecond) * 1000 - performance.now();
  }
}

async function readAll(response: http.IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
