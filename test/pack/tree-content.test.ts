/** Trees derived from others: however a delta cuts them up, only whole entries of the base count as known. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NumberList } from '../../src/pack/number-list.ts';
import { TreeContent } from '../../src/pack/tree-content.ts';
import { flip } from '../repository/corrupt.ts';
import { applySteps, type DeltaStep, encodeDelta } from '../support/handmade-pack.ts';

/** Few bytes, those of modes and names among them, so that much looks like what it is not. */
const idByte = fc.constantFrom(0, 32, 48, 49, 52, 97, 98, 255);

function entryOf(hash: number): fc.Arbitrary<Buffer> {
  return fc
    .tuple(
      fc.constantFrom('100644', '40000', '040000', '160000', '120000'),
      fc.stringMatching(/^[ab4 ]{1,6}$/),
      fc.array(idByte, { minLength: hash, maxLength: hash }),
    )
    .map(([mode, name, id]) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id)]));
}

/** Entries, and others that differ from them in the last byte. */
function withLikes(entries: readonly Buffer[]): Buffer[] {
  return [...entries, ...entries.map((entry) => flip(entry, entry.length - 1, 1))];
}

/** Some entries of a pool, in any order, some twice. */
function treeOf(pool: readonly Buffer[]): fc.Arbitrary<Buffer> {
  return fc
    .array(fc.nat(pool.length - 1), { maxLength: 12 })
    .map((picks) => Buffer.concat(picks.map((i) => pool[i])));
}

/** Cuts `target` into pieces; each is copied from one of the places of the base that hold it, or inserted. */
function stepsTo(base: Buffer, target: Buffer, cuts: readonly { size: number; pick: number }[]): DeltaStep[] {
  const steps: DeltaStep[] = [];
  for (let at = 0, i = 0; at < target.length; i++) {
    const { size, pick } = cuts[i % cuts.length];
    const piece = target.subarray(at, at + size);
    const places: number[] = [];
    for (let k = base.indexOf(piece); k >= 0; k = base.indexOf(piece, k + 1)) places.push(k);
    steps.push(
      places.length > 0 && pick > 0
        ? { copy: [places[pick % places.length], piece.length] }
        : { insert: piece },
    );
    at += piece.length;
  }
  return steps;
}

const scene = fc.constantFrom(20, 32).chain((hash) =>
  fc
    .array(entryOf(hash), { minLength: 1, maxLength: 5 })
    .map(withLikes)
    .chain((pool) =>
      fc.record({
        hash: fc.constant(hash),
        trees: fc.array(treeOf(pool), { minLength: 2, maxLength: 6 }),
        cuts: fc.array(fc.record({ size: fc.integer({ min: 1, max: 120 }), pick: fc.nat(5) }), {
          minLength: 1,
          maxLength: 8,
        }),
      }),
    ),
);

function entriesOf(content: TreeContent): string[] {
  return Array.from({ length: content.count }, (_, i) =>
    content.data.toString('latin1', content.starts[i], content.starts[i + 1]),
  );
}

it('a tree derived through a chain is the tree, and what is not fresh is in its base', () => {
  fc.assert(
    fc.property(scene, ({ hash, trees, cuts }) => {
      const fresh = new NumberList();
      const whole = new TreeContent(hash);
      let base = new TreeContent(hash);
      base.set(trees[0]);
      let bytes = trees[0];
      let spare = new TreeContent(hash);
      for (const tree of trees.slice(1)) {
        const steps = stepsTo(bytes, tree, cuts);
        expect(applySteps(bytes, steps).equals(tree)).toBe(true);
        fresh.clear();
        spare.derive(base, encodeDelta(bytes.length, steps), fresh);
        whole.set(tree);
        expect(spare.data.equals(tree)).toBe(true);
        expect(entriesOf(spare)).toEqual(entriesOf(whole));
        const known = new Set(entriesOf(base));
        const isFresh = new Set(Array.from({ length: fresh.length }, (_, i) => fresh.get(i)));
        expect(entriesOf(spare).filter((entry, i) => !isFresh.has(i) && !known.has(entry))).toEqual([]);
        [base, spare] = [spare, base];
        bytes = tree;
      }
    }),
    { numRuns: 1000 },
  );
});

const entry = (mode: string, name: string, fill: number) =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.alloc(20, fill)]);
const base = Buffer.concat([entry('100644', 'a', 1), entry('40000', 'b', 2), entry('100755', 'c', 3)]);

function freshOf(steps: readonly DeltaStep[]): number[] {
  const from = new TreeContent(20);
  from.set(base);
  const fresh = new NumberList();
  new TreeContent(20).derive(from, encodeDelta(base.length, steps), fresh);
  return Array.from({ length: fresh.length }, (_, i) => fresh.get(i));
}

it.each<[string, DeltaStep[], number[]]>([
  ['the same', [{ copy: [0, base.length] }], []],
  ['one entry left out', [{ copy: [0, 29] }, { copy: [57, 29] }], []],
  ['the others in another order', [{ copy: [29, 28] }, { copy: [0, 29] }, { copy: [29, 28] }], []],
  ['a new id', [{ copy: [0, 37] }, { insert: Buffer.alloc(20, 9) }, { copy: [57, 29] }], [1]],
  ['the end of an id', [{ copy: [0, 47] }, { insert: Buffer.alloc(10, 9) }, { copy: [57, 29] }], [1]],
  ['the last byte of an id', [{ copy: [0, 28] }, { insert: Buffer.from([9]) }, { copy: [29, 57] }], [0]],
  ['the first byte of an entry', [{ copy: [0, 29] }, { insert: Buffer.from('1') }, { copy: [30, 56] }], [1]],
  ['a new name', [{ copy: [0, 35] }, { insert: Buffer.from('x') }, { copy: [36, 50] }], [1]],
  ['another mode', [{ copy: [0, 29] }, { insert: Buffer.from('16') }, { copy: [2, 27] }], [1]],
  ['an entry cut in two and put together', [{ copy: [0, 12] }, { copy: [12, 74] }], [0]],
  ['an entry that begins within another', [{ insert: Buffer.from('1') }, { copy: [58, 28] }], [0]],
  ['all new', [{ insert: base }], [0, 1, 2]],
])('entries that are fresh: %s', (_what, steps, fresh) => {
  expect(freshOf(steps)).toEqual(fresh);
});

it.each<[string, DeltaStep[]]>([
  ['ends within an id', [{ copy: [0, 50] }]],
  ['begins with a space', [{ insert: Buffer.from(' ') }, { copy: [0, base.length] }]],
  ['has no name that ends', [{ copy: [0, 29] }, { insert: Buffer.from('100644 name') }]],
])('refuses what %s', (_what, steps) => {
  expect(() => freshOf(steps)).toThrow(expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_CORRUPT' }));
});

it('refuses a delta of another base', () => {
  const from = new TreeContent(20);
  from.set(base);
  const delta = encodeDelta(base.length + 1, [{ copy: [0, base.length] }]);
  const content = new TreeContent(20);
  expect(() => content.derive(from, delta, new NumberList())).toThrow('does not fit its base');
  expect(content.isUsable).toBe(false);
});
