import { existsSync, readFileSync } from 'node:fs';

/** The version in `package.json`: one directory up from `src/`, two or three up from where built files lie. */
function readVersion(): string {
  const file = ['..', '../..', '../../..']
    .map((up) => new URL(`${up}/package.json`, import.meta.url))
    .find((url) => existsSync(url))!;
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

export const VERSION: string = readVersion();

/** How Packhorse names itself to clients. */
export const AGENT: string = `packhorse/${VERSION}`;
