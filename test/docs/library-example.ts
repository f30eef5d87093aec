/** The example of the library, in a program of which it is a part: compiled strictly, and run. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import type { Block } from './commands.ts';

const COMPILE = [
  '--strict',
  '--module',
  'nodenext',
  '--target',
  'es2023',
  '--types',
  'node',
  '--noEmit',
  '--ignoreConfig',
];

/**
 * @param checkout the project, built, which a program in it can import as `packhorse`
 * @param repository what stands for the one of the example
 */
export function runLibraryExample({ text }: Block, checkout: string, repository: string): void {
  const [, imports, example] = /^(import .*\n)\n([\s\S]*)$/.exec(text)!;
  const program = `import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { encodePktLine, FLUSH } from 'packhorse';
${imports}
const socket: Writable = process.stdout;
async function writeAndDrain(to: Writable, bytes: Uint8Array): Promise<void> {
  if (!to.write(bytes.slice())) await once(to, 'drain');
}
const request = Buffer.concat([encodePktLine('command=ls-refs\\n'), FLUSH]);
${example.replace('/srv/git/project.git', repository)}
if (error) throw error;
`;
  const file = path.join(checkout, 'example.ts');
  fs.writeFileSync(file, program);
  const options = { cwd: checkout, encoding: 'utf8', stdio: 'pipe' } as const;
  const { stdout } = spawnSync('node_modules/.bin/tsc', [...COMPILE, file], options);
  expect(stdout).toBe('');
  const said = execFileSync(process.execPath, [file], options);
  expect(said).toMatch(/^000eversion 2\n[\s\S]*0000[0-9a-f]{44} HEAD\n[\s\S]* refs\/heads\/main\n0000$/);
}
