/** A memory control group of Linux, version 2 or 1, in which a process is killed that takes more than its limit. */
import fs from 'node:fs';
import path from 'node:path';

export interface MemoryGroup {
  /** A process is put into it by writing its id to `cgroup.procs` in here. */
  readonly directory: string;
  /** The most bytes that the group had, file pages included. */
  peak(): number;
  /** Processes that were killed for want of memory. */
  kills(): number;
  /** Its processes must have ended. */
  remove(): void;
}

interface Version {
  readonly limit: string;
  readonly peak: string;
  readonly events: string;
}

const VERSIONS: Readonly<Record<string, Version>> = {
  cgroup2: { limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' },
  cgroup: {
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
  },
};

/**
 * @param limit bytes
 * @returns undefined where this user may not make one, or none is mounted
 */
export function makeMemoryGroup(limit: number): MemoryGroup | undefined {
  for (const line of fs.readFileSync('/proc/self/mounts', 'latin1').split('\n')) {
    const [, point, type, options] = line.split(' ');
    if (!Object.hasOwn(VERSIONS, type ?? '') || (type === 'cgroup' && !options.split(',').includes('memory')))
      continue;
    const version = VERSIONS[type];
    const directory = path.join(point, `packhorse-bench-${process.pid}`);
    if (!make(directory, version.limit, limit)) continue;
    const read = (name: string) => fs.readFileSync(path.join(directory, name), 'latin1');
    return {
      directory,
      peak: () => Number(read(version.peak)),
      kills: () => Number(/^oom_kill (\d+)$/m.exec(read(version.events))![1]),
      remove: () => fs.rmdirSync(directory),
    };
  }
  return undefined;
}

function make(directory: string, file: string, limit: number): boolean {
  try {
    fs.mkdirSync(directory);
  } catch {
    return false;
  }
  try {
    fs.writeFileSync(path.join(directory, file), String(limit));
    return true;
  } catch {
    fs.rmdirSync(directory);
    return false;
  }
}
