/** Request bodies: plain or gzip, of known length or chunked, never longer than the limit, inflated or not. */
import type { IncomingMessage } from 'node:http';
import { constants, type Http2ServerRequest } from 'node:http2';
import type { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { busy, cancelled, clientIdle, PackhorseError } from '../../errors.ts';
import type { ByteShare } from '../../protocol/byte-budget.ts';
import { IdleTimer } from '../timeouts.ts';

export interface BodyLimits {
  /** Bytes of one body, inflated. */
  readonly size: number;
  /** Where its memory is counted; whoever reads the body releases it. */
  readonly memory: ByteShare;
  /** Seconds without a byte after which the client is given up; 0: any time. */
  readonly idle: number;
  /** Aborted, with the error to throw, when it is not to be read on. */
  readonly signal: AbortSignal;
}

/**
 * Reads a whole body, into memory of its own.
 * @throws PackhorseError `PACKHORSE_REQUEST_TOO_LARGE`, `PACKHORSE_REQUEST_ENCODING`, `PACKHORSE_BUSY`,
 *   `PACKHORSE_IDLE`, `PACKHORSE_CANCELLED`
 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const kept = new GrowingBytes(limits);
    const body: Readable = isGzipped(request) ? request.pipe(zlib.createGunzip()) : request;
    const silence = new IdleTimer(limits.idle, () => fail(clientIdle()));
    const touch = () => silence.touch();
    const add = (part: Buffer) => {
      try {
        kept.add(part);
      } catch (error) {
        fail(error);
      }
    };
    const done = () => {
      stop();
      resolve(kept.bytes);
    };
    const broken = (cause: Error) => {
      if (request.aborted || (!request.complete && request.destroyed)) return fail(cancelled());
      const message = 'the request body is not valid gzip';
      return fail(new PackhorseError('PACKHORSE_REQUEST_ENCODING', message, { cause }));
    };
    const closed = () => void (request.complete || fail(cancelled()));
    const aborted = () => fail(limits.signal.reason);
    const stop = () => {
      silence.stop();
      request.off('data', touch).off('close', closed);
      body.off('data', add).off('end', done).off('error', broken);
      limits.signal.removeEventListener('abort', aborted);
    };
    const fail = (error: unknown) => {
      stop();
      if (body !== request) {
        request.unpipe();
        body.on('error', () => {}).destroy();
      }
      // What still comes is thrown away: the connection can then answer a client that sends before it reads.
      request.resume();
      endAfterAnswer(request);
      reject(error);
    };
    request.on('data', touch).once('close', closed);
    body.on('data', add).once('end', done).once('error', broken);
    limits.signal.addEventListener('abort', aborted);
    if (limits.signal.aborted) aborted();
  });
}

/** Bytes in one piece, however small the parts are in which they come. */
class GrowingBytes {
  readonly #limits: Pick<BodyLimits, 'size' | 'memory'>;
  #bytes = new Uint8Array();
  #length = 0;

  constructor(limits: Pick<BodyLimits, 'size' | 'memory'>) {
    this.#limits = limits;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  add(part: Uint8Array): void {
    const { size } = this.#limits;
    const length = this.#length + part.length;
    if (length > size) {
      throw new PackhorseError('PACKHORSE_REQUEST_TOO_LARGE', `the request is longer than ${size} bytes`);
    }
    if (length > this.#bytes.length) this.#grow(Math.min(size, Math.max(length, 2 * this.#bytes.length)));
    this.#bytes.set(part, this.#length);
    this.#length = length;
  }

  #grow(size: number): void {
    if (!this.#limits.memory.take(size - this.#bytes.length))
      throw busy('too many long requests', RETRY_AFTER);
    const grown = new Uint8Array(size);
    grown.set(this.bytes);
    this.#bytes = grown;
  }
}

/** Seconds. */
const RETRY_AFTER = 10;

/** A stream of HTTP/2 would stay open for as long as its client does not end it. */
function endAfterAnswer(request: IncomingMessage): void {
  if (!('stream' in request)) return;
  const { stream } = request as unknown as Http2ServerRequest;
  stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
}

/** Whether a `Content-Encoding` is one that {@link readBody} takes. */
export function isKnownEncoding(request: IncomingMessage): boolean {
  return ['', 'identity', 'gzip', 'x-gzip'].includes(encodingOf(request));
}

function isGzipped(request: IncomingMessage): boolean {
  return encodingOf(request).endsWith('gzip');
}

function encodingOf(request: IncomingMessage): string {
  return (request.headers['content-encoding'] ?? '').trim().toLowerCase();
}
