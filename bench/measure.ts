/** What processes cost: memory and CPU of one with all its children, from /proc (Linux). */
import fs from 'node:fs';

/** Ticks of a second in /proc/<pid>/stat: what Linux shows to programs, whatever the kernel uses. */
const TICKS = 100;

/** Resident bytes of a process and its children now. */
export function residentBytes(pid: number): number {
  return sum(processTree(pid).map((each) => memoryLine(each, 'VmRSS')));
}

export interface Peak {
  /** The most resident bytes that there were at once, children included. */
  stop(): number;
}

/**
 * Follows the memory of a process tree. It is sampled, but from the high-water marks that the kernel keeps, so that a
 * process's own peak between two samples is not missed.
 * @param interval milliseconds between two samples
 */
export function followPeak(pid: number, interval = 5): Peak {
  for (const each of processTree(pid)) resetHighWater(each);
  let most = 0;
  const sample = () => {
    most = Math.max(most, sum(processTree(pid).map((each) => memoryLine(each, 'VmHWM'))));
  };
  const timer = setInterval(sample, interval);
  sample();
  return {
    stop() {
      clearInterval(timer);
      sample();
      return most;
    },
  };
}

/** CPU seconds, user and system, of a process, its children, and what they have waited for. */
export function cpuSeconds(pid: number): number {
  return sum(processTree(pid).map((each) => ticks(each, 'all'))) / TICKS;
}

/** CPU seconds of all processes that this one has started and that have ended. */
export function endedChildrenCpuSeconds(): number {
  return ticks(process.pid, 'children') / TICKS;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function processTree(pid: number): number[] {
  const all = [pid];
  for (const each of all) {
    for (const thread of list(`/proc/${each}/task`)) {
      const children = read(`/proc/${each}/task/${thread}/children`).trim();
      if (children) all.push(...children.split(' ').map(Number));
    }
  }
  return all;
}

/** From /proc/<pid>/status, in bytes; 0 when the process has gone. */
function memoryLine(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const match = new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(read(`/proc/${pid}/status`));
  return match ? Number(match[1]) * 1024 : 0;
}

/** From here on the kernel's mark is the highest since now (proc(5), clear_refs). */
function resetHighWater(pid: number): void {
  try {
    fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch (error) {
    // A short process may have ended; but where the mark cannot be reset, no number would be right.
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** proc(5): utime, stime, cutime and cstime are the fields 14 to 17; the name, the second, may hold anything. */
function ticks(pid: number, whose: 'all' | 'children'): number {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15).map(Number);
  return (whose === 'all' ? user + system : 0) + childUser + childSystem;
}

function list(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
