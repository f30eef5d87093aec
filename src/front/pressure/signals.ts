/** What tells that the machine is asked for more than it has. */
import type { ControlGroup } from './control-group.ts';
import { MOST_MEMORY } from './memory-guard.ts';
import { type MemoryUse, share } from './memory-use.ts';

export const WATCHERS = ['memory', 'cpu', 'loop'] as const;
export type Watcher = (typeof WATCHERS)[number];

export interface Signal {
  readonly watcher: Watcher;
  /** A sample above this is too much. */
  readonly most: number;
  /** How it was since the last sample; 0 where nothing limits. */
  sample(): number;
  /** Ends what it takes to watch. */
  close(): void;
}

/** A group that wants a little more than its quota is always held back a little; at this it wants half as much again. */
const MOST_THROTTLED = 0.5;
/** Seconds. The main thread passes on what workers send: each chunk waits for so long, and each new request. */
const MOST_DELAY = 0.2;
/** Milliseconds between two looks at the main loop: short beside that delay, and cheap. */
const RESOLUTION = 20;

/** The share of the memory limit that is used. */
export function memorySignal(memory: { readonly use: MemoryUse }): Signal {
  return { watcher: 'memory', most: MOST_MEMORY, sample: () => share(memory.use), close: () => {} };
}

/**
 * The share of its processors' time for which a control group was held back.
 * @param now seconds
 */
export function cpuSignal(group: ControlGroup, now = () => performance.now() / 1000): Signal {
  let last = { at: now(), groups: group.cpu() };
  return {
    watcher: 'cpu',
    most: MOST_THROTTLED,
    sample() {
      const before = last;
      last = { at: now(), groups: group.cpu() };
      const shares = Array.from(last.groups, ([directory, { quota, throttled }]) => {
        const time = (last.at - before.at) * Math.max(1, quota);
        return (throttled - (before.groups.get(directory)?.throttled ?? throttled)) / time;
      });
      return Math.max(0, ...shares);
    },
    close: () => {},
  };
}

/**
 * Seconds that something which happens at any moment waits for the main thread, in the mean. `monitorEventLoopDelay` would
 * not do: after each reset it passes over a stretch, so that it never sees those that last from one sample to the next.
 */
export function loopSignal(): Signal {
  let last = performance.now();
  let stretches: number[] = [];
  const timer = setInterval(() => {
    const now = performance.now();
    stretches.push((now - last) / 1000);
    last = now;
  }, RESOLUTION).unref();
  return {
    watcher: 'loop',
    most: MOST_DELAY,
    sample() {
      const wait = meanWait(stretches);
      stretches = [];
      return wait;
    },
    close: () => clearInterval(timer),
  };
}

/**
 * How far a moment chosen at random is from the end of the stretch that it falls into, in the mean: long stretches count
 * by their length. In a second, a collection of garbage of 150 ms comes to 20 ms, ten of 100 to 50, one of 650 to 220.
 */
export function meanWait(stretches: readonly number[]): number {
  const sum = stretches.reduce((total, each) => total + each, 0);
  const squares = stretches.reduce((total, each) => total + each ** 2, 0);
  return sum === 0 ? 0 : squares / (2 * sum);
}
