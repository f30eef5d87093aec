/** The slowest fetches of the last hour. */
import { afterEach, expect, it } from 'vitest';
import { fetchEnded, newRecord } from '../../src/front/events.ts';
import { FetchHistory } from '../../src/front/status/fetch-history.ts';

const HOUR = 3_600_000;
let now = 0;
const history = new FetchHistory(() => now);

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
  expect(ids()).toEqual(['slow', 'last']);
  expect([history.fetches, history.sent]).toEqual([15, 150]);
});
