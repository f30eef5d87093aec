/**
 * What the control groups of this process allow it, and how much of that is used (version 2 of Linux's control groups).
 * A file that is missing or says `max` is no limit.
 */
import fs from 'node:fs';
import path from 'node:path';
import { controlGroupDirectories } from './control-group-directories.ts';
import type { MemoryUse } from './memory-use.ts';

/** The CPU bandwidth of one group. */
export interface CpuUse {
  /** Processors' worth of time that it may use. */
  readonly quota: number;
  /** Seconds for which it was held back so far, summed over the processors on which it was. */
  readonly throttled: number;
}

export class ControlGroup {
  readonly #directories: readonly string[];

  /** @param directories of the process's group and of those around it */
  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  /** That of this process, as it is now; it is not looked for again. */
  static own(): ControlGroup {
    const [cgroup, mountinfo] = [read('/proc/self/cgroup'), read('/proc/self/mountinfo')];
    return new ControlGroup(controlGroupDirectories(cgroup, mountinfo));
  }

  /** For each group that limits memory. */
  memory(): MemoryUse[] {
    return this.#directories.map(memoryUse).filter((use) => use !== undefined);
  }

  /** For each group that limits CPU time, by its directory. */
  cpu(): Map<string, CpuUse> {
    const uses = new Map<string, CpuUse>();
    for (const directory of this.#directories) {
      const use = cpuUse(directory);
      if (use) uses.set(directory, use);
    }
    return uses;
  }
}

/**
 * The working set against the limit: `memory.current` holds file pages too, and those that were not used lately go
 * before anything is killed. Above `memory.high` a group is slowed down so much that it is as good as a limit.
 */
function memoryUse(directory: string): MemoryUse | undefined {
  const limits = ['memory.max', 'memory.high']
    .map((name) => number(read(path.join(directory, name))))
    .filter((limit) => limit !== undefined);
  const current = number(read(path.join(directory, 'memory.current')));
  if (limits.length === 0 || current === undefined) return undefined;
  const inactive = keyed(read(path.join(directory, 'memory.stat')), 'inactive_file') ?? 0;
  return { used: Math.max(0, current - inactive), limit: Math.min(...limits) };
}

/** `cpu.max` holds a quota and a period, both in microseconds. */
function cpuUse(directory: string): CpuUse | undefined {
  const [quota, period] = read(path.join(directory, 'cpu.max')).split(' ').map(number);
  if (quota === undefined || !period) return undefined;
  const throttled = keyed(read(path.join(directory, 'cpu.stat')), 'throttled_usec') ?? 0;
  return { quota: quota / period, throttled: throttled / 1e6 };
}

/** undefined for `max`, and for what is no number. */
function number(text: string): number | undefined {
  return /^\d+\s*$/.test(text) ? Number(text) : undefined;
}

/** From lines of `key value`. */
function keyed(text: string, key: string): number | undefined {
  return number(new RegExp(`^${key} (.*)$`, 'm').exec(text)?.[1] ?? '');
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
