/** The executable as someone sees it who starts it in a terminal: `script` of Debian's bsdutils makes one. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterTests } from '../support/after-tests.ts';
import type { RunOptions } from './run-packhorse.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');
const CTRL_C = '\x03';

export interface Terminal {
  /** All that it shows, up to what `matches` and with it. */
  shows(matches: RegExp): Promise<string>;
  pressCtrlC(): void;
  /** The exit code. */
  readonly ended: Promise<number | null>;
}

/**
 * It is closed after the tests of the file. The shell in it gives its place to the executable: Ctrl-C would end
 * a dash that waits with 130, whatever the executable answers.
 */
export function startInTerminal(args: readonly string[], { cwd = '/', environment }: RunOptions): Terminal {
  const words = [process.execPath, MAIN, ...args].map((word) => `'${word}'`);
  const child = spawn(
    'script',
    ['--quiet', '--return', '--flush', '--command', `exec ${words.join(' ')}`, '/dev/null'],
    {
      cwd,
      env: { ...process.env, SHELL: '/bin/sh', ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  afterTests(() => child.kill());
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    shows: (matches) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = matches.exec(shown);
          if (found) resolve(shown.slice(0, found.index + found[0].length).replaceAll('\r\n', '\n'));
        };
        child.stdout.on('data', look);
        child.once('close', () => reject(new Error(`it ended: ${shown}`)));
        look();
      }),
    pressCtrlC: () => void child.stdin.write(CTRL_C),
    ended,
  };
}
