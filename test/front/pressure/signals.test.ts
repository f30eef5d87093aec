import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ControlGroup } from '../../../src/front/pressure/control-group.ts';
import { cpuSignal, loopSignal, meanWait, memorySignal } from '../../../src/front/pressure/signals.ts';
import { temporaryDirectory } from '../../support/directory.ts';

describe('the CPU signal', () => {
  const directory = temporaryDirectory();
  const throttled = (seconds: number) => {
    fs.writeFileSync(path.join(directory, 'cpu.max'), '200000 100000\n');
    const text = `usage_usec 5\nnr_periods 9\nnr_throttled 9\nthrottled_usec ${seconds * 1e6}\n`;
    fs.writeFileSync(path.join(directory, 'cpu.stat'), text);
  };
  let now = 0;

  it('is the share of its processors’ time for which the group was held back since the last sample', () => {
    throttled(70);
    const signal = cpuSignal(new ControlGroup([directory]), () => now);
    now = 1;
    throttled(70.5);
    expect(signal.sample()).toBeCloseTo(0.25);
    now = 3;
    throttled(73.5);
    expect(signal.sample()).toBeCloseTo(0.75);
    expect(signal.most).toBeLessThan(0.75);
    now = 4;
    expect(signal.sample()).toBe(0);
  });

  it('is none where there is no quota', () => {
    const signal = cpuSignal(new ControlGroup([temporaryDirectory()]), () => now++);
    expect(signal.sample()).toBe(0);
  });
});

describe('the memory signal', () => {
  it('asks for less before the limit is reached', () => {
    const share = (used: number) => memorySignal({ use: { used, limit: 1000 } });
    expect(share(800).sample()).toBeLessThan(share(800).most);
    expect(share(900).sample()).toBeGreaterThan(share(900).most);
  });
});

describe('the signal of the main loop', () => {
  it('rises when the loop is held up', async () => {
    const signal = loopSignal();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    let wait = 0;
    while (wait === 0) {
      await setImmediate();
      wait = signal.sample();
    }
    expect(wait).toBeGreaterThanOrEqual(0.5);
    expect(wait).toBeGreaterThan(signal.most);
    signal.close();
  });

  it('counts stretches by their length, so that one collection of garbage is not too much', () => {
    const signal = loopSignal();
    signal.close();
    const quiet = Array<number>(40).fill(0.02);
    expect(meanWait([])).toBe(0);
    expect(meanWait(quiet)).toBeCloseTo(0.01);
    expect(meanWait([...quiet, 0.15])).toBeLessThan(signal.most / 2);
    expect(meanWait([...quiet, 0.3])).toBeLessThan(signal.most);
    expect(meanWait([0.5, 0.5])).toBeGreaterThan(signal.most);
    expect(meanWait([0.9, ...quiet.slice(0, 5)])).toBeGreaterThan(signal.most);
  });
});
