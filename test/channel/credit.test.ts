import { describe, expect, it } from 'vitest';
import { Credit } from '../../src/channel/credit.ts';

/** Whether a promise has been settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

describe('Credit', () => {
  it('gives what the window has at once', () => {
    const credit = new Credit(100);
    expect(credit.take(60)).toBeUndefined();
    expect(credit.take(40)).toBeUndefined();
    expect(credit.outstanding).toBe(100);
  });

  it('lets one wait until enough came back', async () => {
    const credit = new Credit(100);
    credit.take(100);
    const taken = credit.take(50) as Promise<void>;
    credit.give(49);
    expect(await isSettled(taken)).toBe(false);
    credit.give(1);
    expect(await isSettled(taken)).toBe(true);
    expect(credit.outstanding).toBe(100);
    expect(credit.waited).toBeGreaterThan(0);
  });

  it('takes more than the window when nothing is on its way', async () => {
    const credit = new Credit(100);
    credit.take(1);
    const taken = credit.take(1000) as Promise<void>;
    expect(await isSettled(taken)).toBe(false);
    credit.give(1);
    expect(await isSettled(taken)).toBe(true);
    expect(credit.outstanding).toBe(1000);
  });

  it('lets one wait for what it does not take', async () => {
    const credit = new Credit(100);
    expect(credit.expect(100)).toBeUndefined();
    credit.take(60);
    const expected = credit.expect(50) as Promise<void>;
    expect(await isSettled(expected)).toBe(false);
    credit.give(10);
    expect(await isSettled(expected)).toBe(true);
    expect(credit.outstanding).toBe(50);
    expect(credit.waited).toBeGreaterThan(0);
  });

  it('lets go of the one who waits when it is released', async () => {
    const credit = new Credit(100);
    credit.take(100);
    const taken = credit.take(100) as Promise<void>;
    credit.release();
    expect(await isSettled(taken)).toBe(true);
  });
});
