/** Damaged commit-graphs say nothing. */
import fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeGraph } from '../support/graphed.ts';
import {
  commitsOf,
  expectSameAsGit,
  graphFile,
  makeRepository,
  open,
  read,
  STEPS,
  signed,
  writeAnew,
} from './commit-graphs.ts';
import { flip } from './corrupt.ts';

describe('damage', () => {
  const directory = makeRepository(STEPS);
  writeGraph(directory);
  const commits = commitsOf(directory);
  const good = fs.readFileSync(graphFile(directory));

  const openWith = (data: Buffer) => {
    writeAnew(graphFile(directory), data);
    return open(directory);
  };
  const refused = (why: string) => ({
    graph: undefined,
    problems: [`${graphFile(directory)}: ${why}`],
  });
  /** Where the row of a chunk stands in the table, and where the chunk itself. */
  const rowOf = (id: string) => good.indexOf(id, 8, 'latin1');
  const chunkAt = (id: string) => good.readUInt32BE(rowOf(id) + 8);
  const changed = (change: (data: Buffer) => void) => {
    const data = Buffer.from(good);
    change(data);
    return signed(data);
  };
  const row = (position: number) => chunkAt('CDAT') + position * 36;

  it('anywhere is found by the hash', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const { graph, problems } = openWith(flip(good, at, mask));
        expect([graph, problems.length]).toEqual([undefined, 1]);
      }),
      { numRuns: 300 },
    );
  });

  it('is told from what has been cut off', () => {
    for (let length = 0; length < good.length; length += 7) {
      const { graph, problems } = openWith(good.subarray(0, length));
      expect([graph, problems.length]).toEqual([undefined, 1]);
    }
  });

  it.each([
    ['it begins like none', (data: Buffer) => data.write('CGPX')],
    ['version 2 is not known', (data: Buffer) => data.writeUInt8(2, 4)],
    ['its ids are of another kind', (data: Buffer) => data.writeUInt8(2, 5)],
    ['it stands on 1 others, not on 0', (data: Buffer) => data.writeUInt8(1, 7)],
    ['its table of chunks is cut short', (data: Buffer) => data.writeUInt8(255, 6)],
    ['its table of chunks is wrong', (data: Buffer) => data.writeUInt32BE(1, rowOf('OIDL') + 4)],
    ['its table of chunks is wrong', (data: Buffer) => data.write('OIDF', rowOf('OIDL'))],
    ['its chunk OIDF has a wrong length', (data: Buffer) => data.write('XXXX', rowOf('OIDF'))],
    ['its chunk OIDL has a wrong length', (data: Buffer) => data.write('XXXX', rowOf('OIDL'))],
    ['its chunk CDAT has a wrong length', (data: Buffer) => data.write('XXXX', rowOf('CDAT'))],
    [
      'its chunk OIDL has a wrong length',
      (data: Buffer) => data.writeUInt32BE(STEPS.length + 1, chunkAt('OIDF') + 1020),
    ],
    ['it holds too many commits', (data: Buffer) => data.writeUInt32BE(0x70000001, chunkAt('OIDF') + 1020)],
    ['its fanout table falls', (data: Buffer) => data.writeUInt32BE(99, chunkAt('OIDF') + 400)],
    ['its ids are not in order', (data: Buffer) => data.fill(255, chunkAt('OIDL'), chunkAt('OIDL') + 20)],
    [
      'its ids are not in order',
      (data: Buffer) => data.copy(data, chunkAt('OIDL') + 20, chunkAt('OIDL'), chunkAt('OIDL') + 20),
    ],
    [
      'it names a parent that it does not hold',
      (data: Buffer) => data.writeUInt32BE(STEPS.length, row(3) + 20),
    ],
    [
      'it names a parent that it does not hold',
      (data: Buffer) => data.writeUInt32BE(STEPS.length, row(3) + 24),
    ],
    [
      'it names a parent that it does not hold',
      (data: Buffer) => data.writeUInt32BE(0x80000003, row(3) + 24),
    ],
    ['it names a parent that it does not hold', (data: Buffer) => data.writeUInt32BE(99, chunkAt('EDGE'))],
    ['it names a parent that it does not hold', (data: Buffer) => data.writeUInt32BE(1, chunkAt('EDGE') + 8)],
    ['it names a parent that it does not hold', (data: Buffer) => data.write('XXXX', rowOf('EDGE'))],
    [
      'it names a parent that it does not hold',
      // Two commits that share their edges.
      (data: Buffer) => {
        const octopus = row(STEPS.findIndex((_, position) => good[row(position) + 24] === 0x80));
        data.copy(data, (octopus === row(0) ? row(1) : row(0)) + 20, octopus + 20, octopus + 28);
      },
    ],
    ['its ids are not in order', (data: Buffer) => data.fill(0, chunkAt('OIDF'), chunkAt('OIDF') + 1020)],
    [
      'it names a parent that it does not hold',
      (data: Buffer) => {
        data.writeUInt32BE(0x70000000, row(3) + 20);
        data.writeUInt32BE(0, row(3) + 24);
      },
    ],
  ])('that the hash does not tell: %s', (why, change) => {
    expect(openWith(changed(change))).toEqual(refused(why));
  });

  it.each([
    [
      'equal to those of parents',
      (data: Buffer) => data.fill(0, chunkAt('GDA2'), chunkAt('GDA2') + STEPS.length * 4),
    ],
    ['that are not there', (data: Buffer) => data.writeUInt32BE(0x80000005, chunkAt('GDA2') + 12)],
    ['in a chunk too short', (data: Buffer) => data.writeUInt32BE(chunkAt('GDA2') + 4, rowOf('GDA2') + 20)],
    ['that are none', (data: Buffer) => data.fill(0x7f, chunkAt('GDO2'), chunkAt('GDO2') + 8)],
  ])('only of generation numbers leaves the rest: %s', (_, change) => {
    const { graph, problems } = openWith(changed(change));
    expect(problems).toEqual([]);
    expect(graph?.hasGenerations).toBe(false);
    expectSameAsGit(graph, commits);
  });

  it('that no check finds leads nowhere outside', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 21), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const { graph, problems } = openWith(signed(flip(good, at, mask)));
        expect(graph === undefined).toBe(problems.length > 0);
        for (let position = 0; position < (graph?.count ?? 0); position++) {
          read(graph!, position);
          if (graph!.hasGenerations) graph!.generation(position);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('that cannot be read at all is a problem too', () => {
    fs.rmSync(graphFile(directory));
    fs.mkdirSync(graphFile(directory));
    expect(open(directory)).toEqual(refused('read failed: EISDIR'));
    fs.rmdirSync(graphFile(directory));
  });
});
