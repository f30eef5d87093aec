/** The slowest fetches of the last hour. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fetchEnded, newRecord } from '../../src/front/events.ts';
import { FetchHistory } from '../../src/front/status/fetch-history.ts';

const HOUR = 3_600_000;
let now: number;
let history: FetchHistory;

beforeEach(() => {
  now = 0;
  history = new FetchHistory(() => now);
});

function end(id: string, seconds: number): void {
  const known = {
    door: 'http',
    repository: 'a.git',
    command: 'fetch',
    client: '',
    agent: '',
    version: 2,
    trace: undefined,
  } as const;
  fetchEnded.publish({ ...newRecord({ ...known, id }), seconds, bytes: 10 });
}

const ids = () => history.slowest().map(({ id }) => id);

afterEach(() => history.close());

it('are the ten slowest, as long as they are recent', () => {
  for (let n = 1; n <= 12; n++) end(`first ${n}`, n);
  expect(ids()).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((n) => `first ${n}`));
  now = HOUR / 2;
  end('quick', 0.1);
  end('slow', 11.5);
  expect(ids().slice(0, 3)).toEqual(['first 12', 'slow', 'first 11']);
  now = HOUR + 1;
  end('last', 0.2);
  expect(ids()).toEqual(['slow', 'last', 'quick']);
  expect([history.fetches, history.sent]).toEqual([15, 150]);
});

it('are not pushed out by those that are over an hour old by now', () => {
  for (let n = 0; n < 10; n++) end(`early ${n}`, 60);
  now = HOUR / 2;
  for (let n = 0; n < 50; n++) end(`late ${n}`, 50);
  now = HOUR + 60_000;
  expect(ids()).toHaveLength(10);
  expect(ids().every((id) => id.startsWith('late'))).toBe(true);
});
