/** One exchange over HTTP: the request is read, a worker answers, its bytes are pumped to the client. */
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { Writable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SentFile } from '../../channel/messages.ts';
import type { Gate, Work } from '../../channel/task.ts';
import { asPackhorseError, type PackhorseError } from '../../errors.ts';
import { encodeError } from '../../protocol/pkt-line.ts';
import { formatTraceparent, parseTraceparent } from '../../protocol/traceparent.ts';
import { peekCommand } from '../../protocol/v2-request.ts';
import type { ProtocolVersion } from '../../protocol/version.ts';
import { newStatistics } from '../../upload-pack/statistics.ts';
import { type AccessRequest, type Authorize, CHALLENGE, clientName, type Grant } from '../auth/access.ts';
import { clientOf } from '../clients.ts';
import { EarlyEnd, type TimedStream } from '../early-end.ts';
import { endRecord, type FetchRecord, fetchAnswered, fetchStarted, newRecord } from '../events.ts';
import type { LiveAnswer } from '../live-answer.ts';
import { type PumpResult, pump } from '../pump.ts';
import type { Serving } from '../serving.ts';
import { NO_CACHE } from './plain-answers.ts';

export interface Exchange {
  /** Path of the repository below the root, as the client asks for it. */
  readonly repository: string;
  /** What the record says while the request is not read yet. */
  readonly command: string;
  /** Of the protocol; undefined where a file is asked for. */
  readonly version?: ProtocolVersion;
  readonly contentType: string;
  /** Beside the type, of an answer that is no refusal. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly gate: Gate;
  /** Where a file is sent that is no answer in the protocol: its status, and what its head says beside that. */
  readonly describe?: (file: SentFile) => FileHead;
  /** What goes before the answer, or before an `ERR` line in its place. */
  readonly preamble?: { readonly answer?: Uint8Array; readonly error: Uint8Array };
  /** Whether a client begins with this, so that one that would be turned away later is turned away now. */
  readonly isFirst: boolean;
  /**
   * Reads what is asked; undefined for nothing, which gets an empty answer.
   * @param signal aborted, with the error to throw, when it is not to be read on
   */
  readonly readWork: (signal: AbortSignal) => Promise<Work | undefined>;
  /** Gives back what was taken to keep it. */
  readonly release?: () => void;
}

export interface FileHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
}

/** Of a file that is sent whole. */
function headOf({ bytes, modified }: SentFile): FileHead {
  const headers = { 'Content-Length': bytes, 'Last-Modified': new Date(modified).toUTCString() };
  return { status: 200, headers };
}

/** Answers, and publishes the record of it. */
export async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  exchange: Exchange,
  serving: Serving,
): Promise<void> {
  reply.hijack();
  const response = reply.raw;
  const client = clientOf(
    request.socket.remoteAddress,
    request.headers['x-forwarded-for'],
    serving.trustedProxies,
  );
  const record = newRecord({
    id: request.id,
    door: 'http',
    repository: exchange.repository,
    command: exchange.command,
    version: exchange.version,
    client: client ?? request.ip,
    agent: request.headers['user-agent'] ?? '',
    trace: parseTraceparent(request.headers.traceparent),
  });
  fetchStarted.publish(record);
  const result = await run(request, response, exchange, { record, client }, serving);
  endRecord(record, result.statistics, result.bytes, result.error);
}

async function run(
  request: FastifyRequest,
  response: ServerResponse,
  exchange: Exchange,
  { record, client }: { readonly record: FetchRecord; readonly client: string | undefined },
  serving: Serving,
): Promise<PumpResult> {
  const { admission, authorize, refuseWith, drain } = serving;
  const isHead = request.method === 'HEAD';
  const writeHead = (status: number, headers: Readonly<Record<string, string | number>>) => {
    record.status = status;
    record.firstByte ??= (performance.now() - record.started) / 1000;
    response.writeHead(status, headers);
  };
  const headers: Record<string, string | number> = {
    ...(exchange.headers ?? NO_CACHE),
    'Content-Type': exchange.contentType,
  };
  const refuse = (error: PackhorseError) => {
    if (streamOf(response).destroyed) return;
    const inWords = error.retryAfter !== undefined && !exchange.isFirst && refuseWith === 'err';
    // No one looks for an error of the protocol in a file.
    const status = error.status === 200 && exchange.describe ? 500 : error.status;
    if (status !== 200 && !inWords) {
      // What is left of a body that was not read to its end would be taken for the next request.
      const isLast = !request.raw.complete && request.raw.httpVersionMajor < 2;
      const type = { 'Content-Type': 'text/plain; charset=utf-8' };
      writeHead(status, {
        ...NO_CACHE,
        ...type,
        ...(isLast && { Connection: 'close' }),
        ...(status === 401 && CHALLENGE),
        ...(error.retryAfter !== undefined && { 'Retry-After': error.retryAfter }),
      });
      response.end(isHead ? undefined : `${error.client}\n`);
      return;
    }
    writeHead(200, headers);
    const preamble = exchange.preamble?.error ?? new Uint8Array();
    response.end(isHead ? undefined : Buffer.concat([preamble, encodeError(error.client)]));
  };
  const end = new EarlyEnd(streamOf(response), serving);
  try {
    if (drain.closing.aborted) throw drain.closing.reason;
    const { authorization } = request.headers;
    const asked = { repository: exchange.repository, authorization, client, socket: request.socket };
    const begun = performance.now();
    const { repository, subject, denial } = await grantOf(authorize, asked).finally(() => {
      record.authorized = (performance.now() - begun) / 1000;
    });
    Object.assign(record, { repository, subject });
    const party = { repository, client: clientName(subject, client) };
    const refusal = exchange.isFirst ? admission.refusal(party) : undefined;
    if (refusal) throw refusal;
    const work = await exchange.readWork(end.signal);
    if (!work) {
      writeHead(200, headers);
      response.end();
      return { statistics: newStatistics('none'), error: undefined, bytes: 0 };
    }
    if (work.kind === 'answer') record.command = work.version === 2 ? peekCommand(work.request) : 'fetch';
    if (denial) throw denial;
    const stream = isHead ? bodiless(response) : streamOf(response);
    let status = 200;
    const begin = () => {
      writeHead(status, headers);
      if (exchange.preamble?.answer) stream.write(exchange.preamble.answer);
    };
    const file = (sent: SentFile) => {
      const head = (exchange.describe ?? headOf)(sent);
      status = head.status;
      Object.assign(headers, head.headers);
    };
    const traceparent = record.trace && formatTraceparent(record.trace);
    const task = { path: repository, gate: exchange.gate, work, traceparent };
    const read = exchange.release;
    const watched = (live: LiveAnswer) => fetchAnswered.publish({ record, live });
    const target = { stream, begin, file, refuse, watched, signal: end.signal, ...(read && { read }) };
    return await pump(task, target, { ...serving, client: party.client });
  } catch (error) {
    const known = asPackhorseError(error);
    refuse(known);
    return { statistics: undefined, error: known, bytes: 0 };
  } finally {
    end.close();
    exchange.release?.();
  }
}

/**
 * What a client may have. One who may not have a repository is told so where it would be found absent, so that nothing
 * tells the one from the other: not what becomes of the request's body, nor of its connection.
 */
async function grantOf(
  authorize: Authorize,
  asked: AccessRequest,
): Promise<Grant & { readonly denial?: PackhorseError }> {
  try {
    return await authorize(asked);
  } catch (error) {
    const denial = asPackhorseError(error);
    if (denial.code !== 'PACKHORSE_NOT_ALLOWED') throw denial;
    return { repository: asked.repository, subject: undefined, denial };
  }
}

/** Where the body of a response goes. That of HTTP/2 hides from its response when its client has left. */
function streamOf(response: ServerResponse | Http2ServerResponse): TimedStream {
  return 'stream' in response ? response.stream : response;
}

/** Takes the body of an answer that has only a head. */
function bodiless(response: ServerResponse): Writable {
  const stream = new Writable({
    write: (_bytes, _encoding, done) => done(),
    final: (done) => {
      response.end();
      done();
    },
  });
  response.once('close', () => stream.destroy());
  return stream;
}
