/** The HTTP door: smart HTTP for fetches (protocol section 3). */
import type http from 'node:http';
import type { SecureServerOptions } from 'node:http2';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import type { ByteBudget } from '../../protocol/byte-budget.ts';
import { encodePktLine, FLUSH } from '../../protocol/pkt-line.ts';
import { type ProtocolVersion, parseVersion } from '../../protocol/version.ts';
import type { Serving } from '../serving.ts';
import { answer, type Exchange } from './answer.ts';
import { appLogger } from './app-logger.ts';
import { bundleExchange } from './bundles.ts';
import { endConnectionsOnClose } from './closing.ts';
import { dumbExchange } from './dumb.ts';
import { type Caching, sendText } from './plain-answers.ts';
import { isKnownEncoding, readBody } from './request-body.ts';
import { findRoute, type Route } from './routes.ts';
import { acceptUpgrades } from './upgrade.ts';

export interface HttpDoorOptions extends Serving {
  readonly logger: Logger;
  /** Bytes of a request body at most, inflated. */
  readonly maxRequestBytes: number;
  /** Of all request bodies together. */
  readonly requestMemory: ByteBudget;
  /** Whether the dumb protocol is served, which reads files. */
  readonly dumbHttp: boolean;
  /** Who may keep objects of the dumb protocol beside the client. */
  readonly objectCaching: Caching;
  /** Who may keep bundles beside the client; undefined: there are none. */
  readonly bundleCaching: Caching | undefined;
  /** Then HTTPS is spoken, in HTTP/2 with those who can. */
  readonly tls: TlsOptions | undefined;
}

/** Certificates and keys, PEM. */
export interface TlsOptions {
  readonly key: Buffer;
  /** The chain. */
  readonly cert: Buffer;
  /** Who signs the certificates that clients must have; undefined: they need none. */
  readonly clientCa: Buffer | undefined;
}

const REQUEST_TYPE = 'application/x-git-upload-pack-request';
const RESULT_TYPE = 'application/x-git-upload-pack-result';
const ADVERTISEMENT_TYPE = 'application/x-git-upload-pack-advertisement';
/** Clients look for this before an advertisement, and before an error in its place. */
const SERVICE_LINE = Buffer.concat([encodePktLine('# service=git-upload-pack\n'), FLUSH]);

/** Milliseconds between two looks for connections whose request has not begun in time, at most. */
const LONGEST_CHECK = 30_000;

/** The types of both versions of HTTP differ, what is used of them here does not. */
const makeApp = Fastify as unknown as (
  settings: FastifyServerOptions & { http2?: true; https?: SecureServerOptions & http.ServerOptions },
) => FastifyInstance;

export function createHttpDoor(options: HttpDoorOptions): FastifyInstance {
  const { logger, tls, timeouts, drain } = options;
  const idle = timeouts.idle * 1000;
  // The head of a request has a time; its body has as much as it likes while bytes come.
  const heads = {
    requestTimeout: 0,
    headersTimeout: idle,
    connectionsCheckingInterval: Math.min(LONGEST_CHECK, idle > 0 ? idle / 2 : LONGEST_CHECK),
  };
  const handshakes = idle > 0 ? { handshakeTimeout: idle } : {};
  const app = makeApp({
    loggerInstance: appLogger(logger),
    logController: new LogController({ disableRequestLogging: true }),
    // A clone takes as long as it takes, and closing waits for it.
    forceCloseConnections: 'idle',
    // What comes after is refused by the exchange, in words that git shows.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void sendFailure(error, request, reply as FastifyReply),
    ...(tls
      ? { http2: true, https: { ...heads, ...handshakes, ...certificates(tls), allowHTTP1: true } }
      : { http: heads }),
  });
  // Older versions of Node.js do not take them from the options of HTTP/2.
  Object.assign(app.server, heads);
  // Bodies are read by the exchange, which knows their limits.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.setErrorHandler(sendFailure);
  endConnectionsOnClose(app, drain.cutOff);
  acceptUpgrades(app, options);
  const handle = (request: FastifyRequest, reply: FastifyReply) => dispatch(request, reply, options);
  app.all('/*', handle);
  // Methods that `all` leaves out come here, and go through the same table.
  app.setNotFoundHandler(handle);
  return app;
}

function certificates({ key, cert, clientCa }: TlsOptions): SecureServerOptions {
  return { key, cert, ...(clientCa && { ca: clientCa, requestCert: true, rejectUnauthorized: true }) };
}

/** For errors of Fastify's own as well, which never come to {@link dispatch}: a path that cannot be decoded. */
function sendFailure(
  error: Error & { statusCode?: number },
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const status = error.statusCode ?? 500;
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  return sendText(reply, status, status >= 500 ? 'internal error' : error.message);
}

function dispatch(request: FastifyRequest, reply: FastifyReply, options: HttpDoorOptions) {
  const [path, query] = splitUrl(request.raw.url ?? '/');
  const route = findRoute(path);
  if (!route) return sendText(reply, 404, 'not found');
  if (!route.methods.includes(request.method)) {
    reply.header('Allow', route.methods.join(', '));
    return sendText(reply, 405, `${request.method} is not allowed here`);
  }
  switch (route.name) {
    case 'info-refs': {
      const service = new URLSearchParams(query).getAll('service').at(-1);
      if (service === undefined) return dumb(request, reply, route, options);
      if (service !== 'git-upload-pack') return sendText(reply, 403, `unsupported service: ${service}`);
      return answer(request, reply, advertisement(request, route), options);
    }
    case 'upload-pack': {
      const refusal = checkHeaders(request);
      return refusal
        ? sendText(reply, 415, refusal)
        : answer(request, reply, rpc(request, route, options), options);
    }
    case 'receive-pack':
      return sendText(reply, 403, 'this service serves fetches only');
    case 'bundle': {
      const { bundleCaching } = options;
      if (!bundleCaching) return sendText(reply, 404, 'not found');
      return answer(request, reply, bundleExchange(request, route, bundleCaching), options);
    }
    case 'dumb':
      return dumb(request, reply, route, options);
  }
}

function dumb(request: FastifyRequest, reply: FastifyReply, route: Route, options: HttpDoorOptions) {
  if (!options.dumbHttp) return sendText(reply, 403, 'the dumb protocol is not served');
  return answer(request, reply, dumbExchange(route.repository, route.file, options.objectCaching), options);
}

function advertisement(request: FastifyRequest, route: Route): Exchange {
  const version = versionOf(request);
  return {
    repository: route.repository,
    command: 'advertise',
    version,
    isFirst: true,
    gate: 'http.uploadpack',
    contentType: ADVERTISEMENT_TYPE,
    // As with git, version 2 starts at once.
    preamble: version === 2 ? { error: SERVICE_LINE } : { answer: SERVICE_LINE, error: SERVICE_LINE },
    readWork: async () => ({ kind: 'advertise', version }),
  };
}

function rpc(request: FastifyRequest, route: Route, options: HttpDoorOptions): Exchange {
  const memory = options.requestMemory.open();
  const version = versionOf(request);
  return {
    repository: route.repository,
    command: 'none',
    version,
    isFirst: false,
    gate: 'http.uploadpack',
    contentType: RESULT_TYPE,
    readWork: async (signal) => {
      const { maxRequestBytes, timeouts } = options;
      const body = await readBody(request.raw, {
        size: maxRequestBytes,
        memory,
        idle: timeouts.idle,
        signal,
      });
      // A lone flush is how a client finds out whether it may send a large body: no version, no command.
      if (body.length === 0 || Buffer.from(body.buffer, 0, body.length).equals(FLUSH)) return undefined;
      return { kind: 'answer', version, request: body };
    },
    release: () => memory.release(),
  };
}

function versionOf(request: FastifyRequest): ProtocolVersion {
  const header = request.headers['git-protocol'];
  return parseVersion(Array.isArray(header) ? header.join(':') : header);
}

function checkHeaders(request: FastifyRequest): string | undefined {
  const type = request.headers['content-type'] ?? '';
  if (type !== REQUEST_TYPE) {
    return `Expected POST with Content-Type '${REQUEST_TYPE}', but received '${type}' instead.`;
  }
  if (isKnownEncoding(request.raw)) return undefined;
  return `unsupported Content-Encoding: ${request.headers['content-encoding']}`;
}

function splitUrl(url: string): [path: string, query: string] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}
