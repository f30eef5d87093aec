import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { CALM, COOL_DOWN } from '../../../src/front/pressure/adaptive-limits.ts';
import { LimitController } from '../../../src/front/pressure/limit-controller.ts';
import { memorySignal, type Signal } from '../../../src/front/pressure/signals.ts';

function controller() {
  const output = new PassThrough();
  const memory = { used: 0, limit: 100 };
  const waits = { now: 0 };
  const loop: Signal = { watcher: 'loop', most: 0.1, sample: () => waits.now, close: () => {} };
  const limits = { fetch: { limit: 4, most: 4 }, clone: { limit: 2, most: 2 } };
  const signals = [memorySignal({ use: memory }), loop];
  const logger = pino({ base: null, timestamp: false }, output);
  const lines = () =>
    String(output.read() ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  return { controller: new LimitController({ limits, signals, logger }), limits, memory, waits, lines };
}

test('a back-off is counted by what asked for it, and logged with what was seen', () => {
  const { controller: adaptive, limits, memory, waits, lines } = controller();
  adaptive.look(0);
  expect(lines()).toEqual([]);
  memory.used = 90;
  adaptive.look(1);
  expect(limits).toMatchObject({ fetch: { limit: 2 }, clone: { limit: 1 } });
  adaptive.look(2);
  waits.now = 0.5;
  adaptive.look(1 + COOL_DOWN);
  expect(adaptive.backOffs).toEqual({ memory: 2, cpu: 0, loop: 1 });
  expect(lines()).toEqual([
    { level: 40, signals: { memory: 0.9 }, limits: { fetch: 2, clone: 1 }, msg: 'limits lowered' },
    { level: 40, signals: { memory: 0.9, loop: 0.5 }, limits: { fetch: 1, clone: 1 }, msg: 'limits lowered' },
  ]);
});

test('limits that cannot fall further are not logged again, and their return to the full is, once', () => {
  const { controller: adaptive, limits, memory, lines } = controller();
  memory.used = 90;
  const pressed = 5 * COOL_DOWN;
  for (let now = 0; now < pressed; now++) adaptive.look(now);
  expect(lines().map(({ msg }) => msg)).toEqual(['limits lowered', 'limits lowered']);
  memory.used = 10;
  for (let now = 0; now <= 8 * CALM; now++) adaptive.look(pressed + now);
  expect(limits).toMatchObject({ fetch: { limit: 4 }, clone: { limit: 2 } });
  expect(lines()).toEqual([
    { level: 30, limits: { fetch: 4, clone: 2 }, msg: 'limits are back at their most' },
  ]);
});
