/** Why a fetch took long, by its statistics. */
import { expect, it } from 'vitest';
import { authorizationUnavailable, unknownRef } from '../../src/errors.ts';
import { whySlow } from '../../src/front/status/why-slow.ts';
import { newStatistics, type Phases, type Statistics } from '../../src/upload-pack/statistics.ts';

/** A clone of ten seconds. */
function cloneThat(phases: Partial<Phases>, more: Partial<Statistics> = {}) {
  const statistics = newStatistics('fetch');
  Object.assign(statistics.phases, phases);
  Object.assign(statistics, { kind: 'clone', bitmap: 'used', cache: 'hit', ...more });
  return { seconds: 10, authorized: undefined, statistics, error: undefined };
}

it.each([
  ['cold cache, no bitmap', cloneThat({ count: 6, bytes: 1 }, { bitmap: 'absent', cache: 'miss' })],
  ['cold cache, bitmap is damaged', cloneThat({ count: 6 }, { bitmap: 'unusable', cache: 'miss' })],
  ['bitmap out of date: 5000 objects walked', cloneThat({ count: 6 }, { walked: 5000 })],
  ['throttled: waited 7.0 s for its turn', cloneThat({ queue: 7, wait: 1 }, { cache: 'miss' })],
  [
    'slow client: waited 5.0 s for it, throttled: waited 4.0 s for its turn',
    cloneThat({ queue: 4, wait: 5 }),
  ],
  [
    'past the cache, most of it was deflated anew',
    cloneThat({ bytes: 8 }, { cache: 'bypass', bytes: anew(9, 10) }),
  ],
  ['20000 refs', cloneThat({ negotiate: 9 }, { kind: 'none', bitmap: undefined, refs: 20_000 })],
  ['authorization took 8.0 s', { ...cloneThat({ count: 1 }), authorized: 8 }],
  [
    'mostly count',
    { ...cloneThat({ negotiate: 1.5, queue: 1.5, count: 1.9, bytes: 1.5, wait: 1.5 }), authorized: 1.8 },
  ],
  ['mostly bytes', cloneThat({ bytes: 8 })],
  ['mostly sending', cloneThat({ queue: 1, negotiate: 1 })],
])('%s', (why, record) => {
  expect(whySlow(record).join(', ')).toBe(why);
});

it('failed: with its code', () => {
  const error = unknownRef('refs/heads/none');
  expect(whySlow({ seconds: 1, authorized: undefined, statistics: undefined, error })).toEqual([
    `failed: ${error.code}`,
  ]);
});

it('that authorization took long, even where nothing came of it', () => {
  const error = authorizationUnavailable('no answer');
  expect(whySlow({ seconds: 3, authorized: 3, statistics: undefined, error })).toEqual([
    'authorization took 3.0 s',
    `failed: ${error.code}`,
  ]);
});

function anew(deflated: number, total: number): Statistics['bytes'] {
  return { ...newStatistics('fetch').bytes, deflated, total };
}
