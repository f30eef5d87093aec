/** The git program: makes the repositories, and is what the service is measured against. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import type { Writable } from 'node:stream';

/** git sees no configuration but its own defaults, and speaks protocol version 2. */
export const GIT_ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_PROTOCOL: 'version=2',
  LC_ALL: 'C',
};

const MAX_OUTPUT = 256 * 2 ** 20;

/** Runs git in a repository; returns what it printed, less the last line feed. Throws when it fails. */
export function git(directory: string, ...args: string[]): string {
  return run(directory, args, 'ignore');
}

/** The same with a file as its input. */
export function gitWithInput(directory: string, file: string, ...args: string[]): string {
  const input = fs.openSync(file, 'r');
  try {
    return run(directory, args, input);
  } finally {
    fs.closeSync(input);
  }
}

/** @param format its hash */
export function makeBareRepository(directory: string, format = 'sha1'): void {
  git('.', 'init', '--quiet', '--bare', '--initial-branch=main', `--object-format=${format}`, directory);
}

function run(directory: string, args: readonly string[], input: number | 'ignore'): string {
  return execFileSync('git', ['-C', directory, ...args], {
    env: GIT_ENVIRONMENT,
    maxBuffer: MAX_OUTPUT,
    stdio: [input, 'pipe', 'pipe'],
  })
    .toString('utf8')
    .replace(/\n$/, '');
}

/** Runs git and lets `feed` write its input, however long. Throws when it fails. */
export async function feedGit(
  directory: string,
  args: readonly string[],
  feed: (input: GitInput) => Promise<void>,
): Promise<void> {
  const child = spawn('git', ['-C', directory, ...args], {
    env: GIT_ENVIRONMENT,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const exit = exitCode(child);
  const input = new GitInput(child.stdin);
  await feed(input);
  await input.flush();
  child.stdin.end();
  const code = await exit;
  if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}`);
}

/** The exit code, when the process has ended and its output is read. */
export async function exitCode(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'close');
  return code;
}

/** Small writes are gathered, and none is made while the pipe is full. */
export class GitInput {
  readonly #stream: Writable;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** Await what it returns, if anything, before the next write. */
  write(data: string | Buffer): void | Promise<void> {
    const part = typeof data === 'string' ? Buffer.from(data) : data;
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes >= 256 * 1024) return this.flush();
  }

  async flush(): Promise<void> {
    const batch = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    if (!this.#stream.write(batch)) await once(this.#stream, 'drain');
  }
}
