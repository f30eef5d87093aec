/** Whatever a parser is given, it reads it or says why not: a short run of every target of the fuzz loop. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { PackhorseError } from '../../src/errors.ts';
import { Inputs } from './generate.ts';
import { LONGEST_INPUT } from './mutate.ts';
import { removeScratch } from './scratch.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets.ts';
import { tryInput } from './try-input.ts';

afterAll(removeScratch);

/** Targets that open a repository for each input. */
const SLOW = ['v0-request', 'v2-request', 'small-files', 'repository', 'pack', 'entries', 'gzip'];

/** Mutations that each seed stands for. */
const MUTATIONS = 20;

describe.each(TARGETS)('$name', (target: Target) => {
  const numRuns = SLOW.includes(target.name) ? 4 : 30;

  it('has good inputs to start from', async () => {
    const seeds = target.seeds();
    expect(seeds.length).toBeGreaterThan(1);
    for (const seed of seeds) {
      expect(await tryInput(target, seed)).toBeUndefined();
      // What is sound stays as it is.
      if (target.repair) expect(target.repair(Buffer.from(seed)).equals(seed)).toBe(true);
    }
  });

  it('reads or refuses any bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 400 });
    const property = fc.asyncProperty(bytes, async (input) => {
      expect(await tryInput(target, Buffer.from(input))).toBeUndefined();
    });
    await fc.assert(property, { numRuns: numRuns * 5 });
  });

  it('reads or refuses what was good and is damaged', async () => {
    const property = fc.asyncProperty(fc.integer({ min: 1 }), async (seed) => {
      const inputs = new Inputs(target, seed);
      for (let i = target.seeds().length; i > 0; i--) inputs.next();
      for (let i = 0; i < MUTATIONS; i++) expect(await tryInput(target, inputs.next())).toBeUndefined();
    });
    await fc.assert(property, { numRuns });
  });
});

describe('an input', () => {
  const target = (run: Target['run']): Target => ({
    name: 'x',
    reads: '',
    seeds: () => [Buffer.from('seed')],
    run,
  });

  it.each([
    ['throws what is no error of ours', () => void new Uint8Array(-1), 'error'],
    ['says that it is a defect', () => fail('PACKHORSE_INTERNAL'), 'error'],
    ['takes memory that nothing accounts for', () => void kept.push(Buffer.alloc(2 ** 27)), 'memory'],
  ])('is found when it %s', async (_, run, kind) => {
    expect(await tryInput(target(run), Buffer.from('x'))).toMatchObject({ kind });
  });

  it('may be refused', async () => {
    expect(
      await tryInput(
        target(() => fail('PACKHORSE_PROTOCOL')),
        Buffer.from('x'),
      ),
    ).toBeUndefined();
  });

  it('is the same for the same seed, and never too long', () => {
    const some = (seed: number) => {
      const inputs = new Inputs(
        target(() => {}),
        seed,
      );
      return Array.from({ length: 300 }, () => inputs.next());
    };
    expect(some(7)).toEqual(some(7));
    expect(some(7)).not.toEqual(some(8));
    expect(Math.max(...some(7).map(({ length }) => length))).toBeLessThanOrEqual(LONGEST_INPUT);
  });
});

const kept: Buffer[] = [];

function fail(code: 'PACKHORSE_INTERNAL' | 'PACKHORSE_PROTOCOL'): never {
  throw new PackhorseError(code, 'on purpose');
}
