/** Alternates (protocol section 6.15): further object directories that a repository borrows from. */
import fs from 'node:fs';
import path from 'node:path';
import { unlessMissing } from './missing-file.ts';

const MAX_DEPTH = 6;

/**
 * The object directories of a repository: its own first, then those it borrows from, each once.
 * @param allowed decides whether a directory (a real path) may be read; what may not is left out
 */
export function objectDirectories(own: string, allowed: (directory: string) => boolean): string[] {
  const found: string[] = [];
  const visit = (directory: string, depth: number) => {
    const real = realDirectory(directory);
    if (!real || found.includes(real) || !allowed(real)) return;
    const packs = realDirectory(path.join(real, 'pack'));
    if (packs && !allowed(packs)) return;
    found.push(real);
    if (depth >= MAX_DEPTH) return;
    for (const line of readLines(path.join(real, 'info', 'alternates'))) {
      visit(path.resolve(real, line), depth + 1);
    }
  };
  visit(own, 0);
  return found;
}

function realDirectory(directory: string): string | undefined {
  return unlessMissing(() => fs.realpathSync.native(directory), undefined);
}

function readLines(file: string): string[] {
  // Hardly any repository has one, and an exception costs more than a look.
  if (!fs.existsSync(file)) return [];
  return unlessMissing(() => fs.readFileSync(file, 'utf8'), '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => (line.startsWith('"') ? unquote(line) : line));
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** A C-quoted line, as git writes paths with unusual characters. */
function unquote(line: string): string {
  const inner = line.slice(1, line.endsWith('"') ? -1 : undefined);
  const bytes = Buffer.from(inner)
    .toString('latin1')
    .replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
    );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
