/** The status page: one file that loads nothing, and the data that it asks for. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import type { FastifyInstance, RouteShorthandOptions } from 'fastify';
import { redact } from '../redact.ts';
import { readStatus, type StatusSources } from './status.ts';

const PAGE = new URL('page.html', import.meta.url);

/** @param isLocal whether only this machine can reach them */
export function addStatusRoutes(app: FastifyInstance, sources: StatusSources, isLocal: boolean): void {
  const page = fs.readFileSync(PAGE, 'utf8');
  const headers = {
    'Content-Security-Policy': policyOf(page),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-cache',
  };
  const guard = isLocal ? FOR_THIS_MACHINE : {};
  app.get('/', guard, (_request, reply) =>
    reply.headers(headers).type('text/html; charset=utf-8').send(page),
  );
  app.get('/status.json', guard, (_request, reply) =>
    reply
      .headers({ ...headers, 'Cache-Control': 'no-store' })
      .type('application/json; charset=utf-8')
      .send(redact(JSON.stringify(readStatus(sources)))),
  );
}

/**
 * A page from elsewhere may have its name lead to this machine (DNS rebinding), and a browser here then takes us for where
 * that page came from. It cannot do so with an address.
 */
const FOR_THIS_MACHINE: RouteShorthandOptions = {
  async onRequest({ headers }, reply) {
    if (isAddress(headers.host)) return undefined;
    const text = 'this is told at localhost or an IP address, and at no other name\n';
    return reply.code(421).type('text/plain; charset=utf-8').send(text);
  },
};

/** @param host as in the header, with a port or without */
function isAddress(host = ''): boolean {
  const url = `http://${host}`;
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return hostname === 'localhost' || net.isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0;
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
