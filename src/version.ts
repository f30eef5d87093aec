import { existsSync, readFileSync } from 'node:fs';

/** The version in `package.json`, which lies one directory up from `src/` and two up from `dist/src/`. */
function readVersion(): string {
  const file = ['../package.json', '../../package.json']
    .map((relative) => new URL(relative, import.meta.url))
    .find((url) => existsSync(url))!;
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

export const VERSION: string = readVersion();

/** How Packhorse names itself to clients. */
export const AGENT: string = `packhorse/${VERSION}`;
