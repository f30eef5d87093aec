/** The status page: one file that loads nothing, and the data that it asks for. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { redact } from '../redact.ts';
import { readStatus, type StatusSources } from './status.ts';

const PAGE = new URL('page.html', import.meta.url);

export function addStatusRoutes(app: FastifyInstance, sources: StatusSources): void {
  const page = fs.readFileSync(PAGE, 'utf8');
  const headers = {
    'Content-Security-Policy': policyOf(page),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-cache',
  };
  app.get('/', (_request, reply) => reply.headers(headers).type('text/html; charset=utf-8').send(page));
  app.get('/status.json', (_request, reply) =>
    reply
      .headers({ ...headers, 'Cache-Control': 'no-store' })
      .type('application/json; charset=utf-8')
      .send(redact(JSON.stringify(readStatus(sources)))),
  );
}

/** Nothing runs or looks but what is in the page itself, and it talks to no one but to where it came from. */
function policyOf(page: string): string {
  const hashOf = (element: 'script' | 'style') => {
    const [, content] = new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(page)!;
    return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
  };
  return [
    "default-src 'none'",
    `script-src ${hashOf('script')}`,
    `style-src ${hashOf('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
