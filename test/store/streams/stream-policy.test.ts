import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type StreamKind, StreamPolicy } from '../../../src/store/streams/stream-policy.ts';

const MINUTE = 60_000;
const BUDGET = 100;
const RETENTION = { clone: 60 * MINUTE, fetch: 5 * MINUTE, shallow: 60 * MINUTE };

test('a stream is kept from the second request on, of which one may be long ago but not too long', () => {
  const { policy, wait } = start();
  expect(policy.asked('a')).toBe(false);
  expect(policy.asked('b')).toBe(false);
  expect(policy.asked('a')).toBe(true);
  wait(59 * MINUTE);
  expect(policy.asked('b')).toBe(true);
  wait(180 * MINUTE);
  expect(policy.asked('b')).toBe(false);
});

test('the number of requests that it takes can be set', () => {
  const { policy } = start({ minUses: 3 });
  expect([1, 2, 3, 4].map(() => policy.asked('a'))).toEqual([false, false, true, true]);
  expect(start({ minUses: 1 }).policy.asked('a')).toBe(true);
});

test('fetches leave after 5 minutes without use, clones after an hour', () => {
  const { policy, add, leave, wait } = start();
  add('used fetch', 1, 'fetch');
  add('fetch', 1, 'fetch');
  add('clone', 1, 'clone');
  wait(5 * MINUTE - 1);
  policy.used('used fetch');
  expect(leave()).toEqual([]);
  wait(1);
  expect(leave()).toEqual([{ key: 'fetch', reason: 'age' }]);
  wait(55 * MINUTE);
  expect(leave()).toEqual([
    { key: 'clone', reason: 'age' },
    { key: 'used fetch', reason: 'age' },
  ]);
  expect(policy.bytes).toBe(0);
});

test('without room those leave that were not used for the longest time', () => {
  const { policy, add, leave } = start();
  for (const key of ['a', 'b', 'c', 'd']) add(key, 25);
  policy.used('a');
  add('e', 30);
  expect(leave()).toEqual([
    { key: 'b', reason: 'budget' },
    { key: 'c', reason: 'budget' },
  ]);
});

test('room is made for what is not complete yet', () => {
  const { policy, add } = start();
  for (const key of ['a', 'b', 'c', 'd']) add(key, 25);
  expect(policy.leaving(0)).toEqual([]);
  expect(policy.leaving(30).map(({ key }) => key)).toEqual(['a', 'b']);
});

test('what is larger than the budget leaves, and nothing else for it', () => {
  const { add, leave } = start();
  add('small', 100);
  add('large', 101);
  add('larger', 102);
  expect(leave()).toEqual([
    { key: 'large', reason: 'budget' },
    { key: 'larger', reason: 'budget' },
  ]);
});

test('what was found is as old as it says, in whatever order it comes; what was asked for is new', () => {
  const { policy, add, leave, now } = start();
  add('new', 40, 'clone', now() - 1 * MINUTE);
  add('old', 40, 'clone', now() - 59 * MINUTE);
  add('too old', 10, 'clone', now() - 60 * MINUTE);
  add('of the future', 10, 'clone', now() + 1000 * MINUTE);
  expect(leave()).toEqual([{ key: 'too old', reason: 'age' }]);
  policy.asked('took long');
  add('took long', 20, 'clone', now() - 100 * MINUTE);
  expect(leave()).toEqual([{ key: 'old', reason: 'budget' }]);
});

test('when the clock goes back, nothing leaves for it and nothing stays for good', () => {
  const { add, leave, wait } = start();
  add('a', 1, 'fetch');
  wait(-1_000_000 * MINUTE);
  expect(leave()).toEqual([]);
  wait(4 * MINUTE);
  add('b', 1, 'fetch');
  wait(MINUTE);
  expect(leave()).toEqual([{ key: 'a', reason: 'age' }]);
  wait(4 * MINUTE);
  expect(leave()).toEqual([{ key: 'b', reason: 'age' }]);
});

const kind = fc.constantFrom<StreamKind>('clone', 'fetch', 'shallow');
const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step = fc.oneof(
  fc.record({
    what: fc.constant('add' as const),
    key,
    kind,
    bytes: fc.nat({ max: 50 }).map((size) => (size === 50 ? BUDGET + 1 : size)),
    age: fc.integer({ min: -10, max: 70 }),
  }),
  fc.record({ what: fc.constant('use' as const), key }),
  fc.record({ what: fc.constant('remove' as const), key }),
  fc.record({ what: fc.constant('wait' as const), minutes: fc.integer({ min: -20, max: 12 }) }),
);

test('whatever is done, what has to leave does and nothing else', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { policy, add, wait, now } = start();
      /** What is held, and how long it was not used. */
      const held = new Map<string, { kind: StreamKind; bytes: number; idle: number }>();
      const total = () => [...held.values()].reduce((sum, { bytes }) => sum + bytes, 0);
      for (const action of steps) {
        if (action.what === 'add') {
          add(action.key, action.bytes, action.kind, now() - action.age * MINUTE);
          held.set(action.key, { ...action, idle: Math.max(0, action.age * MINUTE) });
        } else if (action.what === 'wait') {
          wait(action.minutes * MINUTE);
          for (const entry of held.values()) entry.idle += Math.max(0, action.minutes * MINUTE);
        } else if (action.what === 'use') {
          policy.used(action.key);
          const entry = held.get(action.key);
          if (entry) entry.idle = 0;
        } else {
          policy.removed(action.key);
          held.delete(action.key);
        }
        const leaving = policy.leaving();
        expect(policy.leaving()).toEqual(leaving);
        let before = total();
        for (const { key, reason } of leaving) {
          const { kind, bytes, idle } = held.get(key)!;
          expect(idle >= RETENTION[kind]).toBe(reason === 'age');
          // Until then there was no room.
          if (reason === 'budget') expect(before).toBeGreaterThan(BUDGET);
          before -= bytes;
          policy.removed(key);
          held.delete(key);
          if (reason === 'age' || bytes > BUDGET) continue;
          const leavesLater = new Set(leaving.map((other) => other.key));
          const stay = [...held].filter(([other]) => !leavesLater.has(other));
          for (const [, other] of stay) expect(other.idle).toBeLessThanOrEqual(idle);
        }
        expect(policy.bytes).toBe(total());
        expect(policy.bytes).toBeLessThanOrEqual(BUDGET);
        for (const { kind, idle } of held.values()) expect(idle).toBeLessThan(RETENTION[kind]);
      }
    }),
    { numRuns: 500 },
  );
});

function start({ minUses = 2 } = {}) {
  let clock = Date.UTC(2026, 0, 1);
  const now = () => clock;
  const policy = new StreamPolicy({ budget: BUDGET, minUses, now });
  return {
    policy,
    now,
    wait(milliseconds: number) {
      clock += milliseconds;
      // It looks at its clock with every call, and sees no step that was made and taken back in between.
      policy.leaving();
    },
    add(key: string, bytes: number, kind: StreamKind = 'clone', created = clock) {
      policy.added({ key, kind, bytes, created });
    },
    /** What leaves, and does. */
    leave() {
      const leaving = policy.leaving();
      for (const { key } of leaving) policy.removed(key);
      return leaving;
    },
  };
}
