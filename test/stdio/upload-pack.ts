/** Programs that serve a client on standard input and output: ours, and git's own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterTests } from '../support/after-tests.ts';
import { GIT_ENVIRONMENT } from '../support/git.ts';

/** A program with its first arguments. */
export type Program = readonly [string, ...string[]];

export const GIT_UPLOAD_PACK: Program = ['git', 'upload-pack'];

export interface Ended {
  /** The exit code, or the signal that ended it. */
  readonly status: number | NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Starts a program; what still runs after the tests of the file is killed. */
export function startProgram(
  [command, ...first]: Program,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): ChildProcessWithoutNullStreams {
  const child = spawn(command, [...first, ...args], { env: { ...GIT_ENVIRONMENT, ...environment } });
  child.stdin.on('error', () => {}); // one that ends early may not read all of its input
  afterTests(() => child.kill('SIGKILL'));
  return child;
}

/** Runs a program to its end. */
export async function runProgram(
  program: Program,
  args: readonly string[],
  { input = '', environment = {} }: { input?: string | Buffer; environment?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const child = startProgram(program, args, environment);
  child.stdin.end(Buffer.from(input as string, 'latin1'));
  const stdout: Buffer[] = [];
  child.stdout.on('data', (data) => stdout.push(data));
  return { ...(await ended(child)), stdout: Buffer.concat(stdout) };
}

/** Waits for the end of a program, of which someone else reads the output. */
export async function ended(child: ChildProcessWithoutNullStreams): Promise<Omit<Ended, 'stdout'>> {
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const [code, signal] = await once(child, 'close');
  return { status: code ?? signal, stderr };
}

/** What tells a program which version the client speaks. */
export function protocol(version: number): NodeJS.ProcessEnv {
  return { GIT_PROTOCOL: `version=${version}` };
}
