/** What the service holds of the machine, from /proc (Linux). */
import fs from 'node:fs';
import { residentBytes } from '../../bench/measure.ts';

export interface Resources {
  readonly threads: number;
  readonly sockets: number;
  /** Files of repositories that are open. */
  readonly files: number;
}

/** @param root directory of the repositories */
export function resourcesOf(pid: number, root: string): Resources {
  const handles = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  return {
    threads: fs.readdirSync(`/proc/${pid}/task`).length,
    sockets: handles.filter((target) => target.startsWith('socket:')).length,
    files: handles.filter((target) => target.startsWith(root)).length,
  };
}

/** Nothing for one that has been closed meanwhile. */
function linkOf(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    return '';
  }
}

export interface MemorySample {
  /** Since the beginning. */
  readonly seconds: number;
  readonly bytes: number;
}

export interface MemoryFollower {
  readonly samples: readonly MemorySample[];
  stop(): void;
}

/** Samples resident memory once a second. */
export function followMemory(pid: number): MemoryFollower {
  const start = performance.now();
  const samples: MemorySample[] = [];
  const sample = () => {
    samples.push({ seconds: (performance.now() - start) / 1000, bytes: residentBytes(pid) });
  };
  sample();
  const timer = setInterval(sample, 1000);
  return {
    samples,
    stop() {
      clearInterval(timer);
      sample();
    },
  };
}
