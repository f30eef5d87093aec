/** When new work is refused because workers are lost, and when it is taken again. */
import { beforeEach, expect, test } from 'vitest';
import { Breaker } from '../../src/front/breaker.ts';

let now: number;
let breaker: Breaker;
beforeEach(() => {
  now = 1000;
  breaker = new Breaker({ losses: 3, within: 60, coolDown: 10 }, () => now);
});

function lose(...times: number[]): void {
  for (const at of times) {
    now = at;
    breaker.lost();
  }
}

test('losses that lie far apart change nothing', () => {
  lose(1000, 1059, 1061, 1120, 1122);
  expect(breaker.isOpen).toBe(false);
  expect(breaker.refusal()).toBeUndefined();
});

test('several in a short time open it, until it has cooled down', () => {
  lose(1000, 1030, 1059);
  expect(breaker.refusal()).toMatchObject({ code: 'PACKHORSE_NOT_READY', status: 503, retryAfter: 1 });
  now = 1068;
  expect(breaker.isOpen).toBe(true);
  now = 1069;
  expect(breaker.refusal()).toBeUndefined();
});

test('losses while it is open do not keep it open: their work was taken before', () => {
  lose(1000, 1000, 1000, 1005, 1009);
  now = 1010;
  expect(breaker.isOpen).toBe(false);
});

test('on trial one more opens it again', () => {
  lose(1000, 1000, 1000, 1030);
  expect(breaker.isOpen).toBe(true);
  now = 1040;
  expect(breaker.isOpen).toBe(false);
  lose(1099);
  expect(breaker.isOpen).toBe(true);
});

test('a trial that went well ends it: it takes as many as before', () => {
  lose(1000, 1000, 1000, 1070, 1071);
  expect(breaker.isOpen).toBe(false);
  lose(1072);
  expect(breaker.isOpen).toBe(true);
});

test('where it works in between, they do not count together', () => {
  lose(1000, 1001);
  breaker.worked();
  lose(1002, 1003);
  expect(breaker.isOpen).toBe(false);
  lose(1004);
  expect(breaker.isOpen).toBe(true);
});

test('what still works of old does not close it, and what works after it ends the trial', () => {
  lose(1000, 1001, 1002);
  breaker.worked();
  expect(breaker.isOpen).toBe(true);
  now = 1012;
  breaker.worked();
  lose(1013);
  expect(breaker.isOpen).toBe(false);
});
