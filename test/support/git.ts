/** The real `git`, as client and as judge. It sees no configuration but its own defaults. */
import { type ExecFileSyncOptions, execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const TIME = '2024-01-01T00:00:00Z';

export const GIT_ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ann Author',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_AUTHOR_DATE: TIME,
  GIT_COMMITTER_NAME: 'Carl Committer',
  GIT_COMMITTER_EMAIL: 'carl@example.com',
  GIT_COMMITTER_DATE: TIME,
  LC_ALL: 'C',
};

const MAX_OUTPUT = 1 << 30;

/** Runs git; returns what it printed, less the last line feed. Throws when it fails. */
export function git(directory: string, args: readonly string[], options: ExecFileSyncOptions = {}): string {
  return gitBytes(directory, args, options).toString('utf8').replace(/\n$/, '');
}

export function gitBytes(
  directory: string,
  args: readonly string[],
  options: ExecFileSyncOptions = {},
): Buffer {
  return execFileSync('git', ['-C', directory, ...args], {
    env: GIT_ENVIRONMENT,
    maxBuffer: MAX_OUTPUT,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...options,
  }) as Buffer;
}

export interface GitResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs git without blocking this process, which may itself be the server; never throws. */
export async function runGit(
  directory: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<GitResult> {
  try {
    const { stdout, stderr } = await promisify(execFile)('git', ['-C', directory, ...args], {
      env: { ...GIT_ENVIRONMENT, ...environment },
      maxBuffer: MAX_OUTPUT,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as GitResult;
    return { code: typeof code === 'number' ? code : 1, stdout, stderr };
  }
}

/** Every object reachable from the refs of a repository, sorted; paths left out. */
export function reachableObjects(directory: string): string[] {
  const lines = git(directory, ['rev-list', '--objects', '--all', '--no-object-names']);
  return lines === '' ? [] : lines.split('\n').sort();
}

/** Throws when git finds anything to complain about. */
export function fsck(directory: string): void {
  git(directory, ['fsck', '--full', '--strict']);
}
