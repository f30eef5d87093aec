import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Placement } from '../../src/pack/placement.ts';

/** An entry: its bytes in its pack, what lies before it there that is not sent, and how it is written. */
const entry = fc.record({
  length: fc.integer({ min: 1, max: 5_000_000_000 }),
  gap: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 90 }) },
  ),
  /** Bytes by which it is longer when it is written; undefined: as it lies, in one go with those beside it. */
  longer: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 9 }) },
  ),
  /** How many entries before it are written after it. */
  early: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 30 }) },
  ),
});

it('knows where every entry lies, as an array of offsets would', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 80, size: 'max' }), (entries) => {
      const stored: number[] = [];
      let end = 12;
      for (const { length, gap } of entries) {
        stored.push(end + gap);
        end += gap + length;
      }
      const ahead = new Map<number, number[]>();
      for (const [index, { early }] of entries.entries()) {
        if (early === 0 || index < early) continue;
        ahead.set(index - early, [...(ahead.get(index - early) ?? []), index]);
      }

      const placement = new Placement();
      const offsets: number[] = [];
      let at = 12;
      const write = (index: number, place: (index: number, offset: number, stored: number) => void) => {
        place(index, at, stored[index]);
        offsets[index] = at;
        at += entries[index].length + (entries[index].longer ?? 0);
      };
      /** Behind the last entry of a run, in its pack. */
      let runEnd = -1;
      for (const [index, { length, longer }] of entries.entries()) {
        for (const other of ahead.get(index) ?? []) {
          if (offsets[other] !== undefined) continue;
          write(other, (...where) => placement.placeAhead(...where));
          runEnd = -1;
        }
        if (offsets[index] !== undefined) {
          runEnd = -1;
          continue;
        }
        const goesOn = longer === undefined && runEnd === stored[index];
        write(index, (...where) => goesOn || placement.place(...where));
        runEnd = longer === undefined ? stored[index] + length : -1;
        const written = [...offsets.keys()].filter((other) => offsets[other] !== undefined);
        const known = written.map((other) => placement.offsetOf(other, stored[other]));
        expect(known).toEqual(written.map((other) => offsets[other]));
      }
    }),
  );
});
