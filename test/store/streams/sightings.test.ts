import { expect, test } from 'vitest';
import { Sightings } from '../../../src/store/streams/sightings.ts';

test('no more keys are remembered than may be, and the latest are among them', () => {
  const sightings = new Sightings(2, 1000, 100);
  for (let i = 0; i < 1000; i++) {
    expect(sightings.saw(`key ${i}`, 0)).toBe(1);
    expect(sightings.size).toBeLessThanOrEqual(100);
    expect(sightings.countOf(`key ${Math.max(0, i - 49)}`)).toBe(1);
  }
  expect(sightings.countOf('key 0')).toBe(0);
});

test('a key is remembered for as long as it has to be, and forgotten after less than three times of it', () => {
  for (let phase = 0; phase < 1000; phase += 50) {
    for (let pause = 0; pause < 4000; pause += 50) {
      const sightings = new Sightings(2, 1000, 100);
      // Others decide when generations change.
      sightings.saw('other', 0);
      sightings.saw('key', phase);
      for (let time = phase; time < phase + pause; time += 330) sightings.saw('other', time);
      const count = sightings.saw('key', phase + pause);
      if (pause <= 1000) expect(count).toBe(2);
      if (pause >= 3000) expect(count).toBe(1);
    }
  }
});

test('a key that is seen again and again is never forgotten', () => {
  const sightings = new Sightings(3, 1000, 100);
  expect([0, 900, 1800, 2700, 3600].map((time) => sightings.saw('key', time))).toEqual([1, 2, 3, 3, 3]);
});
