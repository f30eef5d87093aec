/** The executable as a process of its own, with nothing of this one's configuration. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { afterTests } from '../support/after-tests.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Who it runs as; only root may say so. */
  readonly uid?: number;
}

export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Started = ChildProcessByStdio<null, Readable, Readable>;

/** Starts it; what still runs after the tests of the file is killed. */
export function startPackhorse(args: readonly string[], options: RunOptions = {}): Started {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PACKHORSE_'));
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd ?? '/',
    env: { ...Object.fromEntries(inherited), ...options.environment },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8');
  afterTests(() => child.kill('SIGKILL'));
  return child;
}

/** Runs it to its end. */
export async function runPackhorse(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = startPackhorse(args, options);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}
