/** An object store that speaks S3, on a port of its own, and that can be made to behave badly. */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import S3rver from 's3rver';
import { afterTests } from './after-tests.ts';
import { temporaryDirectory } from './directory.ts';

const BUCKET = 'packs';
const PREFIX = 'a/b';
/** How the store names the files of what it holds. */
const SUFFIX = '._S3rver_object';

export class ObjectStore {
  /** `METHOD name`, of every request so far. */
  readonly requests: string[] = [];
  /** Called before each request is answered; it is not answered before that resolves. */
  before: (request: http.IncomingMessage) => Promise<unknown> = async () => {};
  readonly #directory = temporaryDirectory();
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
  }

  /** It ends after the tests of the file. */
  static async start(): Promise<ObjectStore> {
    const server = http.createServer();
    const store = new ObjectStore(server);
    const s3 = new S3rver({
      directory: store.#directory,
      silent: true,
      configureBuckets: [{ name: BUCKET }],
      vhostBuckets: false,
    });
    await s3.configureBuckets();
    const answer = s3.callback();
    server.on('request', (request, response) => {
      const name = new URL(request.url!, 'http://store').pathname.replace(`/${BUCKET}/${PREFIX}/`, '');
      store.requests.push(`${request.method} ${name}`);
      void store.before(request).then(() => answer(request, response));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    afterTests(() => store.stop());
    return store;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What a service has to be started with to use it; by way of another address where one is given. */
  flags(endpoint = this.url): string[] {
    return sharedFlags(endpoint);
  }

  /** The names of all objects. */
  get names(): string[] {
    const directory = this.#place('');
    if (!fs.existsSync(directory)) return [];
    const files = fs.readdirSync(directory).filter((file) => file.endsWith(SUFFIX));
    return files.map((file) => file.slice(0, -SUFFIX.length));
  }

  read(name: string): Buffer {
    return fs.readFileSync(this.#place(`${name}${SUFFIX}`));
  }

  /** In place of what is there under that name. */
  write(name: string, bytes: Buffer): void {
    fs.writeFileSync(this.#place(`${name}${SUFFIX}`), bytes);
  }

  /** All that another one holds. */
  copy(other: ObjectStore): void {
    fs.cpSync(other.#directory, this.#directory, { recursive: true });
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #place(file: string): string {
    return path.join(this.#directory, BUCKET, PREFIX, file);
  }
}

export function sharedFlags(endpoint: string, bucket = BUCKET): string[] {
  return [
    '--shared-cache-url',
    `s3://${bucket}/${PREFIX}`,
    '--shared-cache-endpoint',
    endpoint,
    '--shared-cache-region',
    'us-east-1',
  ];
}

/** The credentials that it knows. */
export const STORE_CREDENTIALS = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };

/** The address of a server that takes connections, and never says a word. */
export async function startSilentServer(): Promise<string> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTests(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address at which no one listens. */
export async function closedAddress(): Promise<string> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}
