/** Where and on what the numbers were made. */
import os from 'node:os';
import path from 'node:path';
import { git } from './git.ts';

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly git: string;
  /** Of the last minute, when the bench began. */
  readonly load: number;
  /** Of this project; `-dirty` where files have changed since. */
  readonly commit: string;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString(),
    cpu: os.cpus()[0].model,
    cores: os.cpus().length,
    memoryBytes: os.totalmem(),
    node: process.version,
    git: git('.', 'version').replace('git version ', ''),
    load: os.loadavg()[0],
    commit: describeCommit(path.resolve(import.meta.dirname, '..')),
  };
}

function describeCommit(project: string): string {
  try {
    return git(project, 'describe', '--always', '--dirty', '--exclude=*');
  } catch {
    return 'without a commit'; // an archive, not a checkout
  }
}

export function machineLines({ date, cpu, cores, memoryBytes, node, git, load, commit }: Machine): string {
  const gib = Math.round(memoryBytes / 2 ** 30);
  return [
    `${date}, packhorse ${commit}, Node ${node}, git ${git}`,
    `${cores} × ${cpu}, ${gib} GiB, load average ${load.toFixed(2)} at the start`,
  ].join('\n');
}
