/** The dumb protocol (protocol sections 3.3 and 3.6): clients that know no other read files. */
import type { Exchange } from './answer.ts';
import { type Caching, NO_CACHE } from './plain-answers.ts';

/** Milliseconds. What is named by its content may be kept for a year. */
const FOREVER = 31_536_000_000;

const TYPES: readonly (readonly [RegExp, string])[] = [
  [/^objects\/info\/packs$/, 'text/plain; charset=utf-8'],
  [/\.pack$/, 'application/x-git-packed-objects'],
  [/\.idx$/, 'application/x-git-packed-objects-toc'],
  [/^objects\/[0-9a-f]{2}\//, 'application/x-git-loose-object'],
];

/**
 * @param file path below the git directory, such as `info/refs`
 * @param caching whether shared caches may keep what never changes
 */
export function dumbExchange(repository: string, file: string, caching: Caching): Exchange {
  return {
    repository,
    command: 'file',
    // Who takes files never asks for a pack; but these are not read when the service is busy either.
    isFirst: true,
    contentType: TYPES.find(([pattern]) => pattern.test(file))?.[1] ?? 'text/plain',
    headers: headersOf(file, caching),
    gate: 'http.getanyfile',
    readWork: async () => ({ kind: 'file', name: file }),
  };
}

function headersOf(file: string, caching: Caching): Record<string, string> {
  if (file === 'HEAD') return {};
  if (!/^objects\/(?:pack|[0-9a-f]{2})\//.test(file)) return NO_CACHE;
  return {
    Expires: new Date(Date.now() + FOREVER).toUTCString(),
    'Cache-Control': `${caching}, max-age=31536000`,
  };
}
