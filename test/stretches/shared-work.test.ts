/** Work that several wait for: done once, at the pace of whoever is there. */
import { expect, test } from 'vitest';
import { SharedWork } from '../../src/shared-work.ts';
import { inOneGo, type Stretches } from '../../src/stretches.ts';

/** Ten stretches of work, which are counted. */
function makeWork() {
  const shared = new SharedWork<string>();
  const seen = { begun: 0, stretches: 0, ended: 0 };
  function* work(): Stretches<string> {
    seen.begun++;
    try {
      for (let i = 0; i < 10; i++) {
        seen.stretches++;
        yield;
      }
      return 'made';
    } finally {
      seen.ended++;
    }
  }
  return { seen, join: (begin = work) => shared.do('key', begin) };
}

test('is done once, by all who wait together', () => {
  const { seen, join } = makeWork();
  const waiting = [join(), join(), join()];
  for (let round = 1; round <= 3; round++) for (const one of waiting) expect(one.next().done).toBe(false);
  expect(seen).toEqual({ begun: 1, stretches: 9, ended: 0 });
  expect(waiting.map(inOneGo)).toEqual(['made', 'made', 'made']);
  expect(seen).toEqual({ begun: 1, stretches: 10, ended: 1 });
});

test('goes on without those who leave, and ends with the last', () => {
  const { seen, join } = makeWork();
  const [first, second] = [join(), join()];
  first.next();
  second.next();
  first.return('');
  second.next();
  expect(seen).toEqual({ begun: 1, stretches: 3, ended: 0 });
  second.return('');
  expect(seen).toEqual({ begun: 1, stretches: 3, ended: 1 });
  expect(inOneGo(join())).toBe('made');
  expect(seen).toEqual({ begun: 2, stretches: 13, ended: 2 });
});

test('that is over is begun anew', () => {
  const { seen, join } = makeWork();
  inOneGo(join());
  inOneGo(join());
  expect(seen.begun).toBe(2);
});

test('that fails, fails for all who wait, and not for who comes later', () => {
  const { join } = makeWork();
  function* fails(): Stretches<string> {
    yield;
    throw new Error('no');
  }
  const [first, second] = [join(fails), join(fails)];
  first.next();
  expect(() => second.next()).toThrow('no');
  expect(() => first.next()).toThrow('no');
  expect(inOneGo(join())).toBe('made');
});
