/** The executable as it is installed. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from './directory.ts';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const SOURCES = ['src', 'workers', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Builds it; returns its path, below which no package is to be found. */
export function buildExecutable(): string {
  const build = temporaryDirectory();
  for (const name of SOURCES)
    fs.cpSync(path.join(PROJECT, name), path.join(build, name), { recursive: true });
  fs.symlinkSync(path.join(PROJECT, 'node_modules'), path.join(build, 'node_modules'));
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: build, stdio: ['ignore', 'ignore', 'pipe'] });
  fs.unlinkSync(path.join(build, 'node_modules'));
  return path.join(build, 'dist/src/main.js');
}
