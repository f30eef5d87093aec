/** The order of rebuilding: every object once, its base at hand, and few objects at hand at a time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeltaForest } from '../../src/pack/delta-forest.ts';
import { Pace } from '../../src/pack/pace.ts';
import { applyDelta } from '../../src/repository/apply-delta.ts';
import { isDelta } from '../../src/repository/pack-file.ts';
import { makeHistory } from '../repository/history.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { blobId, storeHandmadePack } from '../support/handmade-pack.ts';
import { createRepository, noise } from '../support/history.ts';
import { storedEntries } from '../support/packs.ts';
import { open } from './tree-walks.ts';

const root = temporaryDirectory();

describe.each([
  ['one long chain', ['--window=250', '--depth=250'], 1],
  ['many chains', ['--window=10', '--depth=20'], 9],
])('%s', (name, flags, files) => {
  it('gives every object its base, and what was asked for once', async () => {
    const directory = createRepository(root, name.replaceAll(' ', '-'));
    makeHistory(directory, { commits: 150, files });
    git(directory, ['repack', '-adfq', ...flags]);
    const { objects } = open(directory);
    const { view } = objects;
    const all = storedEntries(directory).map(({ oid }) => view.findHex(oid));
    const forest = new DeltaForest(objects, new Pace());
    await fc.assert(
      fc.asyncProperty(fc.subarray(all, { minLength: 1 }), async (some) => {
        await forest.plant(Uint32Array.from(some).sort());
        const contents: Buffer[] = [];
        const numbers: number[] = [];
        const asked: number[] = [];
        while (forest.advance()) {
          const { number, slot, baseSlot } = forest;
          if (forest.isAsked) asked.push(number);
          const at = view.packedAt(number);
          const header = at.pack.header(at.rank);
          const data = Buffer.from(objects.read(number).data);
          expect(baseSlot >= 0).toBe(isDelta(header));
          if (baseSlot >= 0) {
            expect(numbers[baseSlot]).toBe(objects.baseOf(at, header));
            const made = Buffer.alloc(data.length);
            applyDelta(contents[baseSlot], forest.delta(), made);
            expect(made.equals(data)).toBe(true);
          }
          expect(slot).not.toBe(baseSlot);
          numbers[slot] = number;
          contents[slot] = data;
        }
        expect(asked.sort((a, b) => a - b)).toEqual([...some].sort((a, b) => a - b));
        expect(numbers.length).toBeLessThanOrEqual(Math.log2(all.length) + 2);
      }),
      { numRuns: 20 },
    );
  }, 60_000);
});

it('reads deltas again that are too large to be held, or too many', async () => {
  const directory = createRepository(root, 'large.git');
  const base = Buffer.from('base');
  const steps = Array.from({ length: 201 }, (_, i) => [{ insert: noise(i === 0 ? 100_000 : 50_000, i) }]);
  storeHandmadePack(directory, [
    { type: 'blob', data: base },
    ...steps.map((insert) => ({ base: blobId(base), baseSize: base.length, steps: insert })),
  ]);
  const { objects } = open(directory);
  const forest = new DeltaForest(objects, new Pace());
  await forest.plant(Uint32Array.from({ length: 202 }, (_, i) => i));
  for (let i = 0; forest.advance(); i++) {
    if (i === 0) continue; // the base
    const delta = Buffer.from(forest.delta());
    expect(delta.equals(objects.readDelta(forest.number))).toBe(true);
  }
});
