/** Streams are kept, found again, also after a restart, and leave when there is no room. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { purgeStreams } from '../../../src/store/streams/kept-streams.ts';
import { temporaryDirectory } from '../../support/directory.ts';
import {
  BLOCK,
  bytesOnDisk,
  contentOf,
  filesOf,
  headOf,
  keep,
  openStore,
  readAll,
  writeStream,
} from './streams.ts';

test.each([0, 1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 77])(
  '%i bytes are given back',
  async (length) => {
    const { store } = await openStore(temporaryDirectory());
    const head = headOf('one');
    const content = contentOf('one', length);
    await keep(store, head, content);
    const reader = (await store.find(head.key))!;
    expect(reader.head).toEqual(head);
    expect(await reader.tail).toEqual({ bytes: length });
    expect((await readAll(reader)).equals(content)).toBe(true);
  },
);

test('what was never kept is not found', async () => {
  const { store } = await openStore(temporaryDirectory());
  expect(await store.find(headOf('none').key)).toBeUndefined();
});

test('a stream is found when it is finished, and not before', async () => {
  const { store } = await openStore(temporaryDirectory());
  const head = headOf('one');
  const writer = (await store.create(head))!;
  await writeStream(writer, contentOf('one', 2 * BLOCK));
  expect(await store.find(head.key)).toBeUndefined();
  await writer.finish({});
  expect((await readAll(await store.find(head.key))).length).toBe(2 * BLOCK);
});

test('a restart finds whole entries, and removes what was not finished', async () => {
  const directory = temporaryDirectory();
  const first = await openStore(directory);
  await keep(first.store, headOf('one'), contentOf('one', 2 * BLOCK));
  await keep(first.store, { ...headOf('two'), repository: 'x'.repeat(9000) }, contentOf('two', 5));
  await first.store.close();
  fs.writeFileSync(path.join(directory, 'streams', `${headOf('three').key}.0123.tmp`), 'PHS1');
  fs.writeFileSync(path.join(directory, 'streams', 'notes'), 'of someone else');

  const { store, said } = await openStore(directory);
  expect({ entries: store.entries, said }).toEqual({ entries: 2, said: [] });
  expect((await readAll(await store.find(headOf('one').key))).equals(contentOf('one', 2 * BLOCK))).toBe(true);
  expect((await readAll(await store.find(headOf('two').key))).equals(contentOf('two', 5))).toBe(true);
  await store.close();
  expect(filesOf(directory).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  expect(fs.existsSync(path.join(directory, 'streams', 'notes'))).toBe(true);
});

test('after a restart an entry is as old as its last use', async () => {
  const directory = temporaryDirectory();
  const first = await openStore(directory);
  for (const name of ['used', 'unused']) await keep(first.store, headOf(name), contentOf(name, 100));
  for (const file of filesOf(directory)) fs.utimesSync(file, 0, 0);
  await readAll(await first.store.find(headOf('used').key));
  await first.store.close();
  const { store, said } = await openStore(directory);
  expect(said).toEqual(['age']);
  expect(await store.find(headOf('unused').key)).toBeUndefined();
  expect(await readAll(await store.find(headOf('used').key))).toHaveLength(100);
});

test('bytes are those of the files, of unfinished ones too', async () => {
  const directory = temporaryDirectory();
  const { store } = await openStore(directory);
  await keep(store, headOf('one'), contentOf('one', 1000));
  expect(store.bytes).toBe(bytesOnDisk(directory));
  const writer = (await store.create(headOf('two')))!;
  await writeStream(writer, contentOf('two', 3 * BLOCK));
  expect(store.bytes).toBe(bytesOnDisk(directory));
  await keep(store, headOf('one'), contentOf('other', 2000));
  expect(store.entries).toBe(1);
  await writer.abort(new Error('enough'));
  expect(store.bytes).toBe(bytesOnDisk(directory));
  await store.close();
  expect(bytesOnDisk(directory)).toBe((await openStore(directory)).store.bytes);
});

test('what is written makes room for itself, and those who read what leaves read it to its end', async () => {
  const directory = temporaryDirectory();
  const budget = 8 * BLOCK;
  const { store, said } = await openStore(directory, { budget });
  for (const name of ['one', 'two', 'three']) {
    await keep(store, headOf(name), contentOf(name, 2 * BLOCK));
  }
  const readers = await Promise.all(['one', 'two'].map((name) => store.find(headOf(name).key)));
  await readers[0]!.read(100);
  for (const name of ['four', 'five']) {
    const writer = (await store.create(headOf(name)))!;
    for (let done = 0; done < 3; done++) {
      await writer.write(contentOf(`${name}${done}`, BLOCK));
      expect(store.bytes).toBeLessThanOrEqual(budget);
    }
    await writer.finish({});
  }
  expect(said).toEqual(['budget', 'budget', 'budget']);
  expect(await store.find(headOf('one').key)).toBeUndefined();
  expect((await readAll(readers[0])).equals(contentOf('one', 2 * BLOCK).subarray(100))).toBe(true);
  expect((await readAll(readers[1])).equals(contentOf('two', 2 * BLOCK))).toBe(true);
  await store.close();
  expect(bytesOnDisk(directory)).toBeLessThanOrEqual(budget);
});

test('a stream for which there is no room at all goes to its readers, and is not kept', async () => {
  const directory = temporaryDirectory();
  const { store, said } = await openStore(directory, { budget: 2 * BLOCK });
  await keep(store, headOf('small'), contentOf('small', 100));
  const writer = (await store.create(headOf('large')))!;
  const content = contentOf('large', 6 * BLOCK + 100);
  const received = [readAll(writer.reader(), 1000), readAll(writer.reader(), 100_000)];
  await writeStream(writer, content);
  expect(writer.reader()).toBeUndefined();
  await writer.finish({});
  for (const bytes of await Promise.all(received)) expect(bytes.equals(content)).toBe(true);
  expect(await store.find(headOf('large').key)).toBeUndefined();
  // That is remembered: a third time would push others out for nothing as well.
  expect(await store.create(headOf('large'))).toBeUndefined();
  expect({ said, isOff: store.isOff, entries: store.entries }).toEqual({
    said: [],
    isOff: false,
    entries: 1,
  });
  expect(store.bytes).toBe(bytesOnDisk(directory));
});

test('an entry that was purged is a miss, and can be kept again', async () => {
  const directory = temporaryDirectory();
  const { store, said } = await openStore(directory);
  await keep(store, headOf('one'), contentOf('one', 1000));
  fs.rmSync(filesOf(directory)[0]);
  expect(await store.find(headOf('one').key)).toBeUndefined();
  expect({ said, bytes: store.bytes, isOff: store.isOff }).toEqual({
    said: ['purged'],
    bytes: 0,
    isOff: false,
  });
  await keep(store, headOf('one'), contentOf('one', 1000));
  expect((await readAll(await store.find(headOf('one').key))).length).toBe(1000);
});

test('what is purged while it is written is not kept', async () => {
  const directory = temporaryDirectory();
  const { store } = await openStore(directory);
  const writer = (await store.create(headOf('one')))!;
  const content = contentOf('one', 3 * BLOCK);
  const reader = writer.reader();
  await writeStream(writer, content);
  fs.rmSync(filesOf(directory)[0]);
  await writer.finish({});
  expect((await readAll(reader)).equals(content)).toBe(true);
  expect({ entries: store.entries, bytes: store.bytes, isOff: store.isOff }).toEqual({
    entries: 0,
    bytes: 0,
    isOff: false,
  });
});

test('what gets its name while it is purged is removed all the same', async () => {
  const directory = temporaryDirectory();
  const { store } = await openStore(directory);
  const writer = (await store.create(headOf('one')))!;
  await writeStream(writer, contentOf('one', 1000));
  const [unfinished] = filesOf(directory);
  const name = path.join(path.dirname(unfinished), `${headOf('one').key}.stream`);
  const purged = await purgeStreams(directory, () => {
    // As the service does between two steps of the purge.
    if (fs.existsSync(unfinished)) fs.renameSync(unfinished, name);
    return true;
  });
  expect(filesOf(directory)).toEqual([]);
  expect(purged.streams).toBe(1);
});

test('what was purged counts no more after the next look, and what came since does', async () => {
  const directory = temporaryDirectory();
  const { store, said } = await openStore(directory);
  await keep(store, headOf('one'), contentOf('one', 1000));
  const kept = store.bytes;
  await keep(store, headOf('two'), contentOf('two', 5000));
  await purgeStreams(directory, (head) => head?.key === headOf('two').key);
  expect(store.entries).toBe(2);
  await Promise.all([store.sweep(), keep(store, headOf('three'), contentOf('three', 1000))]);
  expect({ said, entries: store.entries }).toEqual({ said: ['purged'], entries: 2 });
  fs.rmSync(directory, { recursive: true });
  await store.sweep();
  expect({ entries: store.entries, bytes: store.bytes, isOff: store.isOff }).toEqual({
    entries: 0,
    bytes: 0,
    isOff: false,
  });
  expect(kept).toBeGreaterThan(1000);
});

test('a store that is opened with less space keeps what was used last', async () => {
  const directory = temporaryDirectory();
  const { store } = await openStore(directory);
  for (const name of ['one', 'two', 'three']) await keep(store, headOf(name), contentOf(name, 100_000));
  await store.close();
  for (const [n, name] of ['two', 'one', 'three'].entries()) {
    const time = new Date(Date.now() - 60_000 * (3 - n));
    fs.utimesSync(path.join(directory, 'streams', `${headOf(name).key}.stream`), time, time);
  }
  const { store: small, said } = await openStore(directory, { budget: 250_000 });
  expect({ said, files: filesOf(directory).length }).toEqual({ said: ['budget'], files: 2 });
  expect(await small.find(headOf('two').key)).toBeUndefined();
  expect((await readAll(await small.find(headOf('one').key))).length).toBe(100_000);
});

test('a directory that is deleted while it is used is made again', async () => {
  const directory = path.join(temporaryDirectory(), 'cache');
  const { store, said } = await openStore(directory);
  const content = contentOf('one', 2 * BLOCK);
  await keep(store, headOf('one'), content);
  const reader = await store.find(headOf('one').key);
  const writer = (await store.create(headOf('two')))!;
  await writeStream(writer, content);
  fs.rmSync(directory, { recursive: true });
  expect((await readAll(reader)).equals(content)).toBe(true);
  await writer.finish({});
  await keep(store, headOf('three'), content);
  expect(said).toEqual(['purged']);
  expect(store.entries).toBe(1);
  expect((await readAll(await store.find(headOf('three').key))).equals(content)).toBe(true);
  await expect(openStore(directory)).rejects.toThrow(`in use by process ${process.pid}`);
});
