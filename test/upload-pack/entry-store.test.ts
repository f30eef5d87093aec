/** Packs with entries from the store are those without, byte for byte. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { EntryStore } from '../../src/store/entries/entry-store.ts';
import { segmentsIn } from '../store/entries/entries.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History, unpackAll } from '../support/history.ts';
import { DELIM, FLUSH, parseFetchAnswer, pkt } from '../support/requests.ts';

const BUDGET = 2 ** 30;
const FILES = 60;
const COMMITS = 40;

/** Files of which each commit changes one line of one, and which are long enough to be kept. */
function createSource(format: string, store: 'packed' | 'loose'): string {
  const source = createRepository(temporaryDirectory(), 'source.git', [`--object-format=${format}`]);
  const history = new History();
  const text = (file: number, n: number) =>
    Array.from({ length: 60 }, (_, line) => `line ${line} of ${file}, ${line === file ? n : 0}\n`).join('');
  const all = Object.fromEntries(Array.from({ length: FILES }, (_, i) => [`d${i % 7}/${i}`, text(i, 0)]));
  history.commit({ branch: 'main', files: all });
  for (let n = 1; n <= COMMITS; n++) {
    const file = (n * 11) % FILES;
    history.commit({ branch: 'main', files: { [`d${file % 7}/${file}`]: text(file, n) } });
  }
  history.importInto(source);
  if (store === 'loose') unpackAll(source);
  else git(source, ['repack', '-adf', '--quiet', '--depth=50']);
  return source;
}

function looseFile(source: string, name: string): string {
  const oid = git(source, ['rev-parse', name]);
  return path.join(source, 'objects', oid.slice(0, 2), oid.slice(2));
}

/** A pack of one commit, as a clone of depth 1 gets it, and where its objects came from. */
async function packOf(server: UploadPackV2, source: string, revision: string) {
  const format = git(source, ['rev-parse', '--show-object-format']);
  const args = [
    `want ${git(source, ['rev-parse', revision])}`,
    'deepen 1',
    'ofs-delta',
    'no-progress',
    'done',
  ];
  const head = ['command=fetch', 'agent=test/1', `object-format=${format}`].map((line) => pkt(`${line}\n`));
  const request = Buffer.from([...head, DELIM, ...args.map((line) => pkt(`${line}\n`)), FLUSH].join(''));
  const parts: Uint8Array[] = [];
  const { statistics, error } = await server.feed(request, (bytes) => void parts.push(bytes));
  expect(error).toBeUndefined();
  return { pack: parseFetchAnswer(Buffer.concat(parts)).pack, statistics };
}

test.each([
  ['sha1', 'packed'],
  ['sha1', 'loose'],
  ['sha256', 'packed'],
  ['sha256', 'loose'],
] as const)('%s, %s: clones of successive commits, each after a restart', async (format, storage) => {
  const source = createSource(format, storage);
  const directory = temporaryDirectory();
  const plain = new UploadPackV2(source);
  for (let behind = COMMITS; behind >= 0; behind -= 4) {
    const revision = `main~${behind}`;
    const expected = await packOf(plain, source, revision);
    const entryStore = new EntryStore({ directory, budget: BUDGET });
    const server = new UploadPackV2(source, { entryStore });
    const { pack, statistics } = await packOf(server, source, revision);
    expect(pack.equals(expected.pack)).toBe(true);
    const { objects, bytes } = statistics;
    expect(objects.kept + objects.deflated).toBe(expected.statistics.objects.deflated);
    expect(bytes.kept + bytes.deflated).toBe(expected.statistics.bytes.deflated);
    // Of the youngest commits nearly all is stored whole in a pack.
    if (behind < COMMITS && behind > COMMITS / 2) expect(objects.kept).toBeGreaterThan(objects.deflated);
    const again = await packOf(server, source, revision);
    expect(again.pack.equals(expected.pack)).toBe(true);
    // What is too small is made anew each time.
    expect(again.statistics.bytes.deflated).toBeLessThan(500);
    entryStore.close();
  }
});

test('another compression level is not answered from entries of this one', async () => {
  const source = createSource('sha1', 'loose');
  const entryStore = new EntryStore({ directory: temporaryDirectory(), budget: BUDGET });
  const server = new UploadPackV2(source, { entryStore });
  await packOf(server, source, 'main');
  git(source, ['config', 'pack.compression', '1']);
  const { pack, statistics } = await packOf(server, source, 'main');
  expect(statistics.objects.kept).toBe(0);
  expect(pack.equals((await packOf(new UploadPackV2(source), source, 'main')).pack)).toBe(true);
});

test('an object that is damaged in the repository is sent as it was', async () => {
  const source = createSource('sha1', 'loose');
  const expected = await packOf(new UploadPackV2(source), source, 'main');
  const entryStore = new EntryStore({ directory: temporaryDirectory(), budget: BUDGET });
  await packOf(new UploadPackV2(source, { entryStore }), source, 'main');
  const file = looseFile(source, 'main:d1/1');
  fs.chmodSync(file, 0o600);
  fs.truncateSync(file, fs.statSync(file).size - 10);
  const { pack } = await packOf(new UploadPackV2(source, { entryStore }), source, 'main');
  expect(pack.equals(expected.pack)).toBe(true);
});

test('a damaged loose object whose zlib stream is whole is not kept', async () => {
  const source = createSource('sha1', 'loose');
  const [one, other] = ['d1/1', 'd2/2'].map((name) => looseFile(source, `main:${name}`));
  const good = fs.readFileSync(one);
  fs.rmSync(one);
  fs.copyFileSync(other, one);
  const entryStore = new EntryStore({ directory: temporaryDirectory(), budget: BUDGET });
  await packOf(new UploadPackV2(source, { entryStore }), source, 'main');
  fs.rmSync(one);
  fs.writeFileSync(one, good);
  const { pack } = await packOf(new UploadPackV2(source, { entryStore }), source, 'main');
  expect(pack.equals((await packOf(new UploadPackV2(source), source, 'main')).pack)).toBe(true);
});

test('a directory that cannot be written to: packs are made as without a store, and the answer says why', async () => {
  const source = createSource('sha1', 'loose');
  const directory = path.join(temporaryDirectory(), 'file');
  fs.writeFileSync(directory, '');
  const entryStore = new EntryStore({ directory, budget: BUDGET });
  const server = new UploadPackV2(source, { entryStore });
  const expected = await packOf(new UploadPackV2(source), source, 'main');
  const { pack, statistics } = await packOf(server, source, 'main');
  expect(pack.equals(expected.pack)).toBe(true);
  expect(statistics.ignored).toEqual([`${path.join(directory, 'entries')}: mkdir failed: ENOTDIR`]);
  expect((await packOf(server, source, 'main')).statistics.ignored).toEqual([]);
  expect(segmentsIn(path.dirname(directory))).toEqual([]);
});
