/** `stdio`: milliseconds from the start of a process to the first byte of its advertisement, beside `git upload-pack`. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import type { BenchOptions, Report } from './bench.ts';
import { GIT_ENVIRONMENT } from './git.ts';
import { endedChildrenCpuSeconds, median } from './measure.ts';
import { ensureRepository, type RepositoryName } from './repositories.ts';
import { tableReport } from './table.ts';

const TARGET = 150;
const PROJECT = path.resolve(import.meta.dirname, '..');
const REPOSITORIES: readonly RepositoryName[] = ['refs-5', 'refs-1000', 'history'];
/** Starts are short: each run is so many. */
const STARTS = 5;

/** What the smallest program for Node.js takes. */
const NODE = [process.execPath, '-e', 'process.stdout.write("0")'];
const PACKHORSE = [process.execPath, path.join(PROJECT, 'dist/src/main.js'), 'upload-pack'];
const GIT = ['git', 'upload-pack'];

interface Sample {
  readonly milliseconds: number;
  /** Of CPU, until the process has ended. */
  readonly cpu: number;
}

export async function stdio({ directory, runs }: BenchOptions): Promise<Report> {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: PROJECT, stdio: ['ignore', 'ignore', 'inherit'] });
  const rows = [];
  for (const name of REPOSITORIES) {
    const repository = path.join(directory, await ensureRepository(directory, name));
    for (const version of [0, 2]) {
      // Of its own: compiled code is kept there from the first start on.
      const cache = fs.mkdtempSync(path.join(directory, 'cache-'));
      const startOne = (command: readonly string[]) => firstByte(command, version, cache);
      const samples: Record<'git' | 'node' | 'packhorse', Sample[]> = { git: [], node: [], packhorse: [] };
      // The first of each reads files that the others find in the page cache.
      for (let start = 0; start <= runs * STARTS; start++) {
        samples.git.push(await startOne([...GIT, repository]));
        samples.node.push(await startOne(NODE));
        samples.packhorse.push(await startOne([...PACKHORSE, repository]));
      }
      fs.rmSync(cache, { recursive: true });
      const of = (program: keyof typeof samples, what: keyof Sample) =>
        median(samples[program].slice(1).map((sample) => sample[what]));
      const [git, node, ours] = [
        of('git', 'milliseconds'),
        of('node', 'milliseconds'),
        of('packhorse', 'milliseconds'),
      ];
      const cpu = [of('node', 'cpu'), of('packhorse', 'cpu')];
      rows.push([name, version, runs * STARTS, git, node, ours, ...cpu, TARGET, ours <= TARGET]);
    }
  }
  const columns = ['repository', 'version', 'starts', 'git ms', 'node ms', 'packhorse ms'];
  return tableReport([...columns, 'node CPU ms', 'packhorse CPU ms', 'target ms', 'met'], rows);
}

/** Starts a program, waits for the first byte it says, then for its end. */
async function firstByte(
  [command, ...args]: readonly string[],
  version: number,
  cache: string,
): Promise<Sample> {
  const cpu = endedChildrenCpuSeconds();
  const start = performance.now();
  const child = spawn(command, args, {
    env: { ...GIT_ENVIRONMENT, GIT_PROTOCOL: `version=${version}`, PACKHORSE_CACHE_DIR: cache },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => {}); // one that reads nothing has ended before
  const end = once(child, 'close');
  await once(child.stdout, 'data');
  const milliseconds = performance.now() - start;
  child.stdout.resume();
  child.stdin.end('0000');
  await end;
  return { milliseconds, cpu: (endedChildrenCpuSeconds() - cpu) * 1000 };
}
