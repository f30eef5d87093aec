/** Index files of one thread: read once, dropped by use, noticed when they change. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../src/repository/collect-garbage.ts';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { kindOfIndex } from '../../src/repository/index-kind.ts';
import { inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { derive, openFile } from '../support/in-one-go.ts';

const directory = temporaryDirectory();
let files = 0;

/** A new file of `bytes` bytes. */
function makeFile(bytes: number, fill = 1): string {
  const file = path.join(directory, `${++files}.idx`);
  fs.writeFileSync(file, Buffer.alloc(bytes, fill));
  return file;
}

/** Puts another file in the place of one, as git does. */
function replace(file: string, content: Uint8Array): void {
  const { atime, mtime } = fs.statSync(file);
  fs.writeFileSync(`${file}.new`, content);
  fs.utimesSync(`${file}.new`, atime, mtime);
  fs.renameSync(`${file}.new`, file);
}

describe('a file', () => {
  test('that is not on disk any more is dropped when it is looked for', () => {
    const index = new IndexFiles(2 ** 20);
    const [gone, stays] = [makeFile(1000), makeFile(1000)].map((file) => openFile(index, file)!);
    fs.rmSync(gone.path);
    index.dropVanished();
    expect([index.holds(gone), index.holds(stays)]).toEqual([false, true]);
  });

  test('is read once', () => {
    const index = new IndexFiles(2 ** 20);
    const file = makeFile(1000);
    const first = openFile(index, file)!;
    expect(first.data.equals(Buffer.alloc(1000, 1))).toBe(true);
    expect(openFile(index, file)).toBe(first);
    expect(index.use(first)).toBe(first);
  });

  test('that was replaced by one of the same size and time is read again', () => {
    const index = new IndexFiles(2 ** 20);
    const file = makeFile(1000);
    const first = openFile(index, file)!;
    const before = index.memory;
    replace(file, Buffer.alloc(1000, 2));
    const second = openFile(index, file)!;
    expect(second.data[0]).toBe(2);
    expect(second.identity).not.toBe(first.identity);
    expect(first.data[0]).toBe(1);
    expect(index.use(first)).toBe(first);
    expect(index.memory).toBe(before);
  });

  test('that was written to in place is read again', () => {
    const index = new IndexFiles(2 ** 20);
    const file = makeFile(1000);
    openFile(index, file);
    fs.appendFileSync(file, 'more');
    expect(openFile(index, file)!.data.length).toBe(1004);
  });

  test('that is not there is none', () => {
    const index = new IndexFiles(2 ** 20);
    expect(openFile(index, path.join(directory, 'nothing'))).toBeUndefined();
    expect(openFile(index, path.join(makeFile(1), 'below'))).toBeUndefined();
    expect(inOneGo(index.readOnce(path.join(directory, 'nothing')))).toBeUndefined();
  });

  test('that cannot be read is an error', () => {
    expect(() => openFile(new IndexFiles(2 ** 20), directory)).toThrow('EISDIR');
  });

  test('may be empty, and may be read without being kept', () => {
    const index = new IndexFiles(2 ** 20);
    expect(openFile(index, makeFile(0))!.data.length).toBe(0);
    const before = index.memory;
    expect(inOneGo(index.readOnce(makeFile(10, 3)))).toEqual(Buffer.alloc(10, 3));
    expect(index.memory).toBe(before);
  });
});

describe('tables', () => {
  test('are made once, and counted', () => {
    const index = new IndexFiles(2 ** 20);
    const file = openFile(index, makeFile(1000))!;
    const before = index.memory;
    const tables = derive(file, 'numbers', () => ({ a: new Uint32Array(10), b: new Uint8Array(3) }));
    expect(index.memory - before).toBe(43);
    const fail = () => {
      throw new Error('made again');
    };
    expect(derive(file, 'numbers', fail)).toBe(tables);
    expect(() => derive(file, 'others', fail)).toThrow('made again');
    expect(index.memory - before).toBe(43);
  });

  test('go with their file', () => {
    const index = new IndexFiles(2 ** 20);
    const name = makeFile(1000);
    derive(openFile(index, name)!, 'numbers', () => ({ a: new Uint32Array(10) }));
    replace(name, Buffer.alloc(1000, 2));
    const made = derive(openFile(index, name)!, 'numbers', () => ({ a: new Uint32Array(20) }));
    expect(made.a).toHaveLength(20);
  });
});

describe('the budget', () => {
  test('is kept by dropping what was used longest ago, with its tables', () => {
    const index = new IndexFiles(4000);
    const [a, b, c, d] = [1, 2, 3, 4].map((fill) => makeFile(1000, fill));
    const first = openFile(index, a)!;
    const second = openFile(index, b)!;
    derive(second, 'table', () => ({ bytes: new Uint8Array(500) }));
    openFile(index, c);
    index.use(first);
    expect([first, second].map((file) => index.holds(file))).toEqual([true, true]);
    openFile(index, d);
    expect([first, second].map((file) => index.holds(file))).toEqual([true, false]);
    expect(index.memory).toBeLessThanOrEqual(4000);
  });

  test('tears nothing away from who holds it', () => {
    const index = new IndexFiles(0);
    const first = openFile(index, makeFile(1000, 7))!;
    const tables = derive(first, 'table', () => ({ bytes: new Uint8Array(5).fill(9) }));
    openFile(index, makeFile(1000));
    expect(index.holds(first)).toBe(false);
    expect([first.data[999], tables.bytes[4]]).toEqual([7, 9]);
    expect(index.use(first)).toBe(first);
    expect(index.holds(first)).toBe(true);
    expect(derive(first, 'table', () => ({ bytes: new Uint8Array(6) }))).toBe(tables);
  });

  test('that is smaller than a file keeps just this one', () => {
    const index = new IndexFiles(100);
    const big = openFile(index, makeFile(1000))!;
    expect(index.holds(big)).toBe(true);
    const small = openFile(index, makeFile(10))!;
    expect([big, small].map((file) => index.holds(file))).toEqual([false, true]);
  });
});

test('whoever keeps files is told when some were dropped', async () => {
  let told = 0;
  const index = new IndexFiles(0, undefined, () => told++);
  openFile(index, makeFile(10));
  await setImmediate();
  expect(told).toBe(0);
  const last = openFile(index, makeFile(10))!;
  expect(told).toBe(0);
  await setImmediate();
  expect(told).toBe(1);
  index.drop(last);
  index.drop(last);
  expect(index.memory).toBe(0);
});

test('a file that went from the disk can be dropped, another in its place is not', () => {
  const index = new IndexFiles(2 ** 20);
  const name = makeFile(1000);
  const first = openFile(index, name)!;
  replace(name, Buffer.alloc(1000, 2));
  const second = openFile(index, name)!;
  index.drop(first);
  expect(index.holds(second)).toBe(true);
  index.close();
  expect(index.memory).toBe(0);
});

test.each([
  ['objects/pack/pack-1.idx', 'idx'],
  ['pack-1.rev', 'rev'],
  ['multi-pack-index-1.rev', 'rev'],
  ['pack-1.bitmap', 'bitmap'],
  ['multi-pack-index', 'midx'],
  ['multi-pack-index.d/multi-pack-index-chain', 'midx'],
  ['multi-pack-index.d/multi-pack-index-1.midx', 'midx'],
  ['info/commit-graph', 'graph'],
  ['commit-graphs/commit-graph-chain', 'graph'],
  ['commit-graphs/graph-1.graph', 'graph'],
  ['project.git/packed-refs', 'refs'],
  ['toString', 'other'],
])('%s is of kind %s', (file, kind) => {
  expect(kindOfIndex(file)).toBe(kind);
});

test('shared memory that no one holds is freed by a collection', async () => {
  const buffer = new WeakRef(new SharedArrayBuffer(2 ** 20));
  await setImmediate();
  collectGarbage();
  expect(buffer.deref()).toBeUndefined();
});

test.each(['shared', 'alone'])('a program that used index files, %s, ends by itself', (how) => {
  const source = path.resolve(import.meta.dirname, '../../src');
  const program = `
    import { createSharedIndexes } from '${source}/channel/shared-indexes.ts';
    import { IndexFiles } from '${source}/repository/index-files.ts';
    import { inOneGo } from '${source}/stretches.ts';
    const index = new IndexFiles(0, ${how === 'shared' ? 'createSharedIndexes(0)' : 'undefined'});
    inOneGo(index.open('${makeFile(10)}'));
    inOneGo(index.open('${makeFile(10)}'));
    console.log(index.memory > 0);`;
  const args = ['--input-type=module', '--eval', program];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'true\n', stderr: '' });
});
