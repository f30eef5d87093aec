/** When a client counts as one that takes nothing. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Admission } from '../../src/front/admission/admission.ts';
import { GRACE, Stalls } from '../../src/front/stalls.ts';
import { LEAST_WINDOW, StreamBudget } from '../../src/front/stream-budget.ts';

const SMALL_WINDOW = LEAST_WINDOW / 4;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A client that holds the only place. */
function holdPlace() {
  const streams = new StreamBudget({ window: SMALL_WINDOW, limit: 2 ** 26 });
  const limits = { light: 1, fetch: 1, clone: 1 };
  const options = { limits, perRepository: 0, perClient: 0, queue: 8, queueWait: 0 };
  const admission = new Admission(options, streams);
  const place = admission.place({ repository: 'a.git', client: undefined });
  place.enter('clone', { granted: () => {}, refused: () => {} });
  return { streams, place, stalls: new Stalls(place, streams) };
}

test('a client that has the whole window to take gives its place away', () => {
  const { streams, place, stalls } = holdPlace();
  stalls.look(SMALL_WINDOW, SMALL_WINDOW);
  vi.advanceTimersByTime(GRACE);
  expect([place.held, streams.stalled]).toEqual([false, 1]);
  stalls.taken(() => {});
  expect([place.held, streams.stalled]).toEqual([true, 0]);
});

test('a client that has nothing to take keeps it, however small the window', () => {
  const { streams, place, stalls } = holdPlace();
  stalls.look(0, SMALL_WINDOW);
  vi.advanceTimersByTime(GRACE);
  expect([place.held, streams.stalled]).toEqual([true, 0]);
});

test('who gives its place away twice, as other work took it again, is counted once', () => {
  const { streams, place, stalls } = holdPlace();
  stalls.look(SMALL_WINDOW, SMALL_WINDOW);
  vi.advanceTimersByTime(GRACE);
  place.goOn(() => stalls.look(SMALL_WINDOW, SMALL_WINDOW));
  expect([place.held, streams.stalled]).toEqual([false, 1]);
  stalls.close();
  expect(streams.stalled).toBe(0);
});
