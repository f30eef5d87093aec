/** `packhorse cache`: what lies in a cache directory is listed, and removed, while a service has it too. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { CACHE_HELP } from '../../src/cli/help.ts';
import {
  entriesDirectory,
  listEntries,
  repositoryPrefix,
} from '../../src/store/entries/entry-directories.ts';
import { REPOSITORY_FILE, segmentName } from '../../src/store/entries/segment-name.ts';
import type { StreamStore } from '../../src/store/streams/stream-store.ts';
import { contentOf, filesOf, headOf, keep, openStore, readAll } from '../store/streams/streams.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { runPackhorse } from './run-packhorse.ts';

const JUST = expect.stringMatching(/^\d+ s$/);

let directory: string;
let store: StreamStore;

/** Held by a store, as a service has it. */
beforeEach(async () => {
  directory = temporaryDirectory();
  ({ store } = await openStore(directory));
  const old = { created: Date.now() - 1_800_000 };
  await keep(store, { ...headOf('one', 'group/a.git'), ...old }, contentOf('one', 1_500_000));
  await keep(store, { ...headOf('two', 'group/a.git'), kind: 'shallow' }, contentOf('two', 300));
  // A clock that went back.
  await keep(store, { ...headOf('three', 'b'), created: Date.now() + 1e9 }, contentOf('three', 5000));
});

/** A segment as the store of entries names it. */
function keepEntries(repository: string, bytes: number): void {
  const below = path.join(entriesDirectory(directory), `${repositoryPrefix(repository)}-form`);
  fs.mkdirSync(below, { recursive: true });
  fs.writeFileSync(path.join(below, REPOSITORY_FILE), `${repository}\n`);
  fs.writeFileSync(path.join(below, segmentName()), Buffer.alloc(bytes));
}

async function cache(...args: string[]): Promise<string> {
  const result = await runPackhorse(['cache', ...args], { environment: { PACKHORSE_CACHE_DIR: directory } });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
}

describe('ls', () => {
  test('is a table', async () => {
    const [titles, ...rows] = (await cache('ls')).trimEnd().split('\n');
    expect(titles.split(/ +/)).toEqual(['REPOSITORY', 'KIND', 'SIZE', 'AGE', 'USED', 'KEY']);
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      ['b', 'clone', expect.stringMatching(/^5\.\d KiB$/), '0 s', JUST, headOf('three').key.slice(0, 12)],
      [
        'group/a.git',
        'shallow',
        expect.stringMatching(/^\d+ B$/),
        JUST,
        JUST,
        headOf('two').key.slice(0, 12),
      ],
      ['group/a.git', 'clone', '1.4 MiB', '30 min', JUST, headOf('one').key.slice(0, 12)],
      ['3 streams, 1.4 MiB'],
    ]);
  });

  test('is JSON', async () => {
    const streams = JSON.parse(await cache('ls', '--json'));
    expect(streams).toHaveLength(3);
    expect(streams[0]).toMatchObject({
      ...headOf('three', 'b'),
      created: expect.any(Number),
      tail: { bytes: 5000 },
    });
    const bytes = streams.reduce((sum: number, stream: { bytes: number }) => sum + stream.bytes, 0);
    expect(bytes).toBe(store.bytes);
  });

  test('says that there is nothing, also where there is no directory', async () => {
    const missing = path.join(temporaryDirectory(), 'missing');
    expect(await cache('ls', '--cache-dir', missing)).toBe(`no streams are kept in ${missing}\n`);
    expect(fs.existsSync(missing)).toBe(false);
  });

  test('leaves out what is damaged', async () => {
    for (const file of filesOf(directory)) fs.truncateSync(file, fs.statSync(file).size - 1);
    expect(await cache('ls')).toContain('no streams');
  });
});

describe('purge', () => {
  test.each(['group/a.git', '/group/a', 'group/a/'])('%s removes what is kept of it', async (name) => {
    const read = await store.find(headOf('one').key);
    const writer = (await store.create(headOf('unfinished', 'group/a.git')))!;
    expect(await cache('purge', name)).toMatch(/^removed 3 streams of .*, 1\.4 MiB\n$/);
    // The service: what it reads it has, the rest is a miss.
    expect((await readAll(read)).equals(contentOf('one', 1_500_000))).toBe(true);
    await writer.finish({});
    for (const gone of ['one', 'two', 'unfinished'])
      expect(await store.find(headOf(gone).key)).toBeUndefined();
    expect((await readAll(await store.find(headOf('three').key))).length).toBe(5000);
    expect(store.isOff).toBe(false);
  });

  test('leaves alone what is not meant, and own bitmaps', async () => {
    fs.mkdirSync(path.join(directory, 'bitmaps'));
    fs.writeFileSync(path.join(directory, 'bitmaps', 'a.bitmap'), '');
    expect(await cache('purge', 'a')).toBe(`nothing of a is kept in ${directory}\n`);
    expect(filesOf(directory)).toHaveLength(3);
    expect(await cache('purge', '--all')).toMatch(/^removed 3 streams, /);
    expect(filesOf(directory)).toEqual([]);
    expect(fs.readdirSync(path.join(directory, 'bitmaps'))).toEqual(['a.bitmap']);
  });

  test('removes entries of repositories whose paths end with the name', async () => {
    const paths = ['/srv/git/group/a.git', '/srv/git/other/a.git', '/srv/git/group/ba.git'];
    for (const repository of paths) keepEntries(repository, 3000);
    expect(await cache('purge', 'group/a')).toMatch(/^removed 2 streams of .*, and 2\.9 KiB of entries\n$/);
    expect((await listEntries(directory)).map(({ repository }) => repository).sort()).toEqual(
      [paths[1], paths[2]].sort(),
    );
    expect(await cache('purge', '--all')).toMatch(/^removed 1 stream, .*, and 5\.9 KiB of entries\n$/);
    expect(await listEntries(directory)).toEqual([]);
  });

  test('--all removes what is damaged too', async () => {
    for (const file of filesOf(directory)) fs.truncateSync(file, 5);
    expect(await cache('purge', 'group/a.git')).toContain('nothing of');
    expect(await cache('purge', '--all')).toBe('removed 3 streams, 15 B\n');
  });

  test('that cannot be done: exit 1, and says why', async () => {
    const file = filesOf(directory)[0];
    fs.rmSync(file);
    fs.mkdirSync(file);
    const result = await runPackhorse(['cache', 'purge', '--all', '--cache-dir', directory]);
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(/^packhorse: E[A-Z]+: .*\n$/);
  });
});

test.each([
  [[], 'cache ls'],
  [['list'], 'cache ls'],
  [['toString'], 'cache ls'],
  [['ls', 'a.git'], 'a.git'],
  [['ls', '--all'], '--all'],
  [['purge'], '--all'],
  [['purge', 'a', 'b'], '--all'],
  [['purge', 'a', '--all'], '--all'],
  [['purge', '--all=no'], '--all'],
  [['ls', '--cache-dir'], '--cache-dir'],
  [['ls', '--cache-dir', import.meta.filename], '--cache-dir'],
])('%j: exit 2, one line on stderr', async (args, names) => {
  const { code, stderr } = await runPackhorse(['cache', ...args]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^packhorse: [^\n]+\n$/) });
  expect(stderr).toContain(names);
});

test('--help fits a terminal', async () => {
  expect(await cache('--help')).toBe(CACHE_HELP);
  for (const line of CACHE_HELP.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});
