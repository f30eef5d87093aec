/** Commands that take minutes to hours: what can be said of them in a second. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect } from 'vitest';
import { PROJECT, textOf } from './commands.ts';

const { scripts } = JSON.parse(textOf('package.json'));

function run(command: string): string {
  const env = { ...process.env, PATH: `${path.join(PROJECT, 'node_modules/.bin')}:${process.env.PATH}` };
  return execFileSync('bash', ['-c', command], { cwd: PROJECT, env, encoding: 'utf8', stdio: 'pipe' });
}

/** The same command, but vitest lists the files that it would run: those of the load proof. */
export function listsLoadTests(command: string): void {
  const direct = command.replace(/npm run (test:load)(?: --)?/, (_, script) => scripts[script]);
  const files = run(direct.replace('vitest run', 'vitest list --filesOnly')).trim().split('\n');
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(file).toMatch(/^test\/load\/[\w-]+\.test\.ts$/);
}

/** `npm run bench`, or `npm run fuzz`, with flags and names that it knows. */
export function isUnderstood(command: string): void {
  const [, script, rest = ''] = /^npm run (bench|fuzz)(?: -- (.*))?$/.exec(command)!;
  const known = run(`npm run --silent ${script} -- --help`) + run(`npm run --silent fuzz -- --list`);
  const names = [...known.matchAll(/^ *([a-z][\w-]*) {2,}/gm)].map(([, name]) => name);
  const valued = [...known.matchAll(/^ +--([\w-]+) [A-Z]/gm)].map(([, name]) => name);
  const others = [...known.matchAll(/^ +--([\w-]+) {2,}/gm)].map(([, name]) => name).concat('help');
  const words = rest.split(' ').filter((word) => word !== '');
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [, flag, value] = /^--([\w-]+)(=.*)?$/.exec(word) ?? [];
    if (flag === undefined) expect([...names, 'all']).toContain(word);
    else if (!others.includes(flag)) {
      expect(valued, `--${flag} of ${command}`).toContain(flag);
      if (value === undefined) words.shift();
    }
  }
}
