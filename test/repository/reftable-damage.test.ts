/** Damaged tables and lists: an error or the right answer, and never a shorter list. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { IndexCopy } from '../../src/repository/index-copy.ts';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { OBJECT_FORMATS } from '../../src/repository/object-format.ts';
import { Reftable } from '../../src/repository/reftable.ts';
import { ReftableMerge } from '../../src/repository/reftable-merge.ts';
import { inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { flip, unlessCorrupt } from './corrupt.ts';
import { listRefs, openReftables } from './list-refs.ts';
import { PLAIN, type TableShape, type WrittenRef, writeReftable, writeStack } from './write-reftable.ts';

const REFS: WrittenRef[] = [
  { name: 'HEAD', target: 'refs/heads/branch-15' },
  ...Array.from({ length: 30 }, (_, i) => ({ name: `refs/heads/branch-${i}`, oid: `${i % 9}1`.repeat(20) })),
  ...Array.from({ length: 6 }, (_, i) => ({
    name: `refs/tags/v${i}`,
    oid: 'ab'.repeat(20),
    peeled: 'cd'.repeat(20),
  })),
];

const files = new IndexFiles(0);

/** Every ref of a table in memory, one a line; undefined where damage is noticed. */
function read(data: Buffer): string | undefined {
  return unlessCorrupt(() => {
    const memory = new ArrayBuffer(64 + data.length);
    new Uint8Array(memory).set(data, 64);
    const parts = { path: 'a.ref', identity: '', serial: 0n, memory, derived: new Map() };
    const table = inOneGo(Reftable.read(new IndexCopy(parts, files), OBJECT_FORMATS.sha1));
    const refs = new ReftableMerge([table]);
    let text = '';
    for (refs.seek(Buffer.alloc(0)); refs.current; refs.next()) {
      const { current } = refs;
      const value = current.type === 3 ? current.target() : `${current.oidHex()} ${current.peeledHex()}`;
      text += `${current.name()} ${current.type} ${value}\n`;
    }
    return text;
  });
}

const SHAPES: [string, TableShape][] = [
  ['one block', PLAIN],
  ['one block, and logs', { ...PLAIN, logs: true }],
  ['aligned blocks without an index', { ...PLAIN, blockSize: 300, interval: 4, objects: true }],
  ['aligned blocks with an index', { ...PLAIN, blockSize: 200, index: 'levels', objects: true, logs: true }],
  [
    'aligned blocks with a larger index',
    { ...PLAIN, blockSize: 120, index: 'one', interval: 1, objects: true },
  ],
  ['blocks that are not aligned', { ...PLAIN, blockSize: 300, alignment: 'none', index: 'one', interval: 2 }],
  ['blocks that are less aligned than said', { ...PLAIN, blockSize: 250, alignment: 'none, unsaid' }],
];

describe.each(SHAPES)('a table of %s', (_, shape) => {
  const { data, content } = writeReftable(REFS, shape);
  const sound = read(data);
  const count = sound!.split('\n').length;

  it('with a changed byte that is no letter of a name or an id has the same refs or is an error', () => {
    let noticed = 0;
    for (let at = 0; at < data.length; at++) {
      for (const mask of [1, 4, 16, 128, 255]) {
        const found = read(flip(data, at, mask));
        if (found === undefined) noticed++;
        else if (content.has(at)) expect([at, mask, found.split('\n').length]).toEqual([at, mask, count]);
        else if (found !== sound) expect([at, mask, found]).toEqual([at, mask, sound]);
      }
    }
    expect(noticed).toBeGreaterThan(data.length);
  });

  it('that was cut short, has a tail or zeros in it has the same refs or is an error', () => {
    for (let length = 0; length < data.length; length++)
      expect(read(data.subarray(0, length))).toBeUndefined();
    expect(read(Buffer.concat([data, Buffer.alloc(1)]))).toBeUndefined();
    for (const size of [8, 64, 512]) {
      for (let at = 0; at + size <= data.length; at += 8) {
        const zeroed = Buffer.from(data).fill(0, at, at + size);
        const found = read(zeroed);
        const ids = size === 8 && Array.from({ length: size }, (_, i) => content.has(at + i)).includes(true);
        if (found !== undefined && !ids) expect([at, size, found]).toEqual([at, size, sound]);
      }
    }
  });
});

describe('what is wrong is said', () => {
  const directory = temporaryDirectory();
  const good = writeReftable(REFS, { ...PLAIN, blockSize: 200, index: 'levels' }).data;
  const small = writeReftable(REFS.slice(0, 3), PLAIN).data;
  // Records without a value look like those of an index.
  const gone = Array.from({ length: 80 }, (_, i) => ({ name: `refs/zz/${i}` }));
  const deletions = writeReftable([...REFS, ...gone], { ...PLAIN, blockSize: 200, index: 'levels' }).data;
  const lastBlock = Array.from({ length: 50 }, (_, i) => i * 200).findLast((at) => deletions[at] === 0x72)!;
  const endless = { name: `refs/${'x'.repeat(2 ** 16)}`, oid: '1'.repeat(40) };
  const pairs = writeReftable(REFS.slice(1), { ...PLAIN, interval: 2 }).data;
  const failure = (what: string) =>
    expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_CORRUPT', message: expect.stringContaining(what) });
  const list = () => openReftables(directory).resolve('HEAD');

  it.each<[string, Buffer]>([
    ['it begins like no reftable', Buffer.alloc(0)],
    ['it begins like no reftable', flip(good, 0, 1)],
    ['it begins like no reftable', flip(good, 4, 2)],
    ['it is cut short', good.subarray(0, 50)],
    ['it ends like no reftable', good.subarray(0, good.length - 1)],
    ['it ends like no reftable', flip(good, 8, 1)],
    ['the CRC-32 at its end is wrong', flip(good, good.length - 20, 1)],
    ['its ids are of another kind', writeReftable(REFS, { ...PLAIN, version: 2, hash: 's256' }).data],
    ['its refs end too early', flip(good, 24, 0x1b)],
    ['its refs end too early', flip(good, 200, 0x1d)],
    ['its refs end too early', flip(small, 24, 0x15)],
    ['its refs end too early', flip(deletions, lastBlock, 0x1b)],
    ['the length of a block is wrong', flip(good, 26, 0x80)],
    ['the restarts of a block are wrong', flip(small, small.readUIntBE(25, 3) - 2, 0x80)],
    ['a restart names no record', flip(small, small.readUIntBE(25, 3) - 3, 1)],
    ['a restart names no record', flip(pairs, pairs.indexOf('refs/heads/branch-10') - 3, 1)],
    ['the length of a name is wrong', flip(small, 29, 0x80)],
    ['the length of a name is wrong', writeReftable([endless], { ...PLAIN, blockSize: 2 ** 17 }).data],
    ['its names are not in order', flip(small, 30, 0x80)],
    ['a ref has a value of the unknown type 7', flip(small, 29, 4)],
  ])('%s', (what, data) => {
    writeStack(directory, [small, data]);
    expect(list).toThrow(failure(what));
    expect(list).toThrow(failure('reftable/0x000000000002.ref: '));
  });

  it.each([
    ['names no table', ''],
    ['names no table', '\n'],
    ['is cut short', '0x000000000001.ref'],
    ['names 0x000000000003.ref, which is not there', '0x000000000001.ref\n0x000000000003.ref\n'],
    ['holds what is no name of a table', '../reftable/0x000000000001.ref\n'],
    ['holds what is no name of a table', '..\n'],
    ['holds what is no name of a table', '0x0\0\n'],
  ])('tables.list %s', (what, text) => {
    const stack = writeStack(directory, [small]);
    fs.writeFileSync(path.join(stack, 'tables.list'), text);
    expect(list).toThrow(failure(`reftable/tables.list ${what}`));
  });

  it('a list that is not there is no empty one', async () => {
    fs.rmSync(path.join(directory, 'reftable'), { recursive: true });
    await expect(listRefs(openReftables(directory))).rejects.toThrow(
      failure('reftable/tables.list names no table'),
    );
  });
});
