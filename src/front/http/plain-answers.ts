/** Answers that are no packs: refusals as text, and the headers that all answers share. */
import type { FastifyReply } from 'fastify';

/** Whether shared caches, which give what they keep to everyone, may keep what never changes. */
export type Caching = 'private' | 'public';

/** Nothing of the service may be kept by a proxy (protocol section 3.3). */
export const NO_CACHE: Readonly<Record<string, string>> = {
  Expires: 'Fri, 01 Jan 1980 00:00:00 GMT',
  Pragma: 'no-cache',
  'Cache-Control': 'no-cache, max-age=0, must-revalidate',
};

/** git prints a body of exactly this type to its user. */
export function sendText(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).headers(NO_CACHE).type('text/plain; charset=utf-8').send(`${text}\n`);
}
