/** The project as its users have it after `npm ci`. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '../support/directory.ts';
import { PROJECT } from './commands.ts';

const NOT_COMMITTED = ['.git', 'node_modules', 'dist', 'repos', 'coverage', 'secrets', 'with-a-token'];

/** A copy, with the packages of this one, and built as `npm ci` does. */
export function makeCheckout(): string {
  const directory = path.join(temporaryDirectory(), 'packhorse');
  fs.mkdirSync(directory);
  for (const name of fs.readdirSync(PROJECT)) {
    if (NOT_COMMITTED.includes(name)) continue;
    fs.cpSync(path.join(PROJECT, name), path.join(directory, name), { recursive: true });
  }
  fs.symlinkSync(path.join(PROJECT, 'node_modules'), path.join(directory, 'node_modules'));
  execFileSync('npm', ['run', '--silent', 'prepare'], { cwd: directory, stdio: 'pipe' });
  return directory;
}
