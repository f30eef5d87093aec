/** Request bodies: plain or gzip, of known length or chunked, never longer than the limit, inflated or not. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { cancelled, PackhorseError } from '../../errors.ts';

/**
 * Reads a whole body.
 * @param limit bytes, after inflating
 * @throws PackhorseError `PACKHORSE_REQUEST_TOO_LARGE`, `PACKHORSE_REQUEST_ENCODING`, `PACKHORSE_CANCELLED`
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  const body: Readable = isGzipped(request) ? request.pipe(zlib.createGunzip()) : request;
  const closed = () => void (request.complete || body.destroy(cancelled()));
  request.once('close', closed);
  try {
    // The request outlives a body that is refused: its answer is still to be sent.
    for await (const part of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > limit) {
        throw new PackhorseError('PACKHORSE_REQUEST_TOO_LARGE', `the request is longer than ${limit} bytes`);
      }
      parts.push(part);
    }
  } catch (error) {
    if (body !== request) {
      request.unpipe();
      body.destroy();
    }
    // What still comes is thrown away: the connection can then answer a client that sends before it reads.
    request.resume();
    if (error instanceof PackhorseError) throw error;
    if (!request.complete && request.destroyed) throw cancelled();
    throw new PackhorseError('PACKHORSE_REQUEST_ENCODING', 'the request body is not valid gzip', {
      cause: error,
    });
  } finally {
    request.off('close', closed);
  }
  return Buffer.concat(parts);
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
