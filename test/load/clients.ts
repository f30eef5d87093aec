/** Real git clients, each bounded in time: one that hangs is ended with all that it started, and is a failure. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { GIT_ENVIRONMENT } from '../support/git.ts';
import { SEED } from './form.ts';

/** Seconds; generous, so that no slow machine is taken for a hanging request. */
const MOST_SECONDS = 120;

/** What a clone needs so that git does nothing in it behind our back. */
const QUIET = ['-c', 'gc.auto=0', '-c', 'maintenance.auto=false'];

export interface ClientResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Client {
  /** How it ended, whichever way. */
  readonly ended: Promise<ClientResult>;
  /** Ends it as SIGKILL does, with the processes that it started. */
  kill(): void;
}

export interface ClientOptions {
  readonly seconds?: number;
  readonly environment?: NodeJS.ProcessEnv;
}

export function startGit(
  directory: string,
  args: readonly string[],
  { seconds = MOST_SECONDS, environment = {} }: ClientOptions = {},
): Client {
  // timeout(1) bounds it even when these tests are ended themselves; it leads a group of all its processes.
  const child = spawn('timeout', ['--signal=KILL', String(seconds), 'git', ...QUIET, ...args], {
    cwd: directory,
    env: { ...GIT_ENVIRONMENT, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  let over = false;
  const ended = output.then(([[code], stdout, stderr]) => {
    over = true;
    return { code, stdout, stderr };
  });
  return {
    ended,
    kill() {
      if (!over) process.kill(-child.pid!, 'SIGKILL');
    },
  };
}

/**
 * Runs git to its end.
 * @returns what it printed
 * @throws ClientFailure
 */
export async function runClient(
  directory: string,
  args: readonly string[],
  options: ClientOptions = {},
): Promise<string> {
  const result = await startGit(directory, args, options).ended;
  if (result.code !== 0) throw new ClientFailure(args, result);
  return result.stdout;
}

/** A client that did not get what it asked for. Its message is all that is needed to find out why. */
export class ClientFailure extends Error {
  readonly result: ClientResult;

  constructor(args: readonly string[], result: ClientResult) {
    // timeout(1) kills itself with all the others.
    const how = result.code === null ? 'hung, and was killed' : `ended with ${result.code}`;
    super(`git ${args.join(' ')} ${how} (seed ${SEED}): ${result.stderr}`);
    this.result = result;
  }
}
