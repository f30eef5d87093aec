/** Bundles over HTTP: files that never change, which a CDN may stand in front of and a client may go on with. */
import type { FastifyRequest } from 'fastify';
import type { SentFile } from '../../channel/messages.ts';
import type { Exchange, FileHead } from './answer.ts';
import { type Caching, NO_CACHE } from './plain-answers.ts';
import type { Route } from './routes.ts';

export function bundleExchange(
  { method, headers }: FastifyRequest,
  { repository, file }: Route,
  caching: Caching,
): Exchange {
  const id = /(\w+)\.bundle$/.exec(file)![1];
  // What has another content has another id, so that this is a strong one.
  const etag = `"${id}"`;
  const isKnown = knows(headers['if-none-match'], etag);
  const headOnly = isKnown || method === 'HEAD';
  const ifRange = headers['if-range'];
  const range = headOnly || (ifRange !== undefined && ifRange !== etag) ? undefined : headers.range;
  return {
    repository,
    command: 'bundle',
    isFirst: true,
    contentType: 'application/octet-stream',
    headers: {
      'Accept-Ranges': 'bytes',
      'Cache-Control': `${caching}, max-age=31536000, immutable`,
      ETag: etag,
    },
    gate: 'http.uploadpack',
    describe: (sent) => (isKnown ? { status: 304, headers: {} } : describe(sent)),
    readWork: async () => ({ kind: 'bundle', id, range, headOnly }),
  };
}

/** Whether a client has what it asks for already. */
function knows(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

function describe({ bytes, modified, range }: SentFile): FileHead {
  if (range === null) {
    return {
      status: 416,
      headers: { ...NO_CACHE, 'Content-Range': `bytes */${bytes}`, 'Content-Length': 0 },
    };
  }
  const dated = { 'Last-Modified': new Date(modified).toUTCString() };
  if (!range) return { status: 200, headers: { ...dated, 'Content-Length': bytes } };
  const { from, end } = range;
  const part = { 'Content-Range': `bytes ${from}-${end - 1}/${bytes}`, 'Content-Length': end - from };
  return { status: 206, headers: { ...dated, ...part } };
}
