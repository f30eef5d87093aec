/** Filters of partial clones: what `git upload-pack` sends for the same request is what is to be sent. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

/** Blobs of 0, 10, 1023, 1024, 1025 and 5000 bytes; a side branch; tags of a commit, a tag, a tree and a blob. */
function makeRepository(): string {
  const directory = createRepository(temporaryDirectory(), 'source.git');
  const history = new History();
  const sized = (length: number, seed: number) =>
    `${seed}`.padEnd(length, `${seed} and more `).slice(0, length);
  history.commit({ branch: 'main', files: { empty: '', ten: sized(10, 1), 'd/below': sized(1023, 2) } });
  history.commit({ branch: 'main', files: { 'd/k': sized(1024, 3), 'd/e/above': sized(1025, 4) } });
  const old = history.commit({ branch: 'main', files: { 'd/e/large': sized(5000, 5) } });
  history.commit({ branch: 'side', from: old, files: { 's/one': sized(2000, 6), ten: sized(10, 7) } });
  history.commit({ branch: 'main', files: { 'd/e/large': sized(5001, 5), ten: sized(11, 8) } });
  const patterns = { patterns: '/d/*\n!/d/e/\nten\n', 'more-patterns': '*\n!k\n' };
  history.commit({ branch: 'main', files: patterns });
  history.tag('commit', ':2');
  history.importInto(directory);
  git(directory, ['tag', '-a', '-m', 'x', 'nested', 'commit']);
  git(directory, ['tag', '-a', '-m', 'x', 'tree', 'main:d']);
  git(directory, ['tag', '-a', '-m', 'x', 'blob', 'main:d/k']);
  git(directory, ['tag', '-a', '-m', 'x', 'tip', 'main']);
  git(directory, ['tag', 'patterns', 'main:patterns']);
  git(directory, ['config', 'uploadpack.allowFilter', 'true']);
  return directory;
}

const WITHOUT = makeRepository();
git(WITHOUT, ['-c', 'repack.writeBitmaps=false', 'repack', '-adq']);
const WITH = makeRepository();
git(WITH, ['repack', '-adbq']);
/** A bitmap of what was there before, and loose objects. */
const PARTLY = makeRepository();
git(PARTLY, ['repack', '-adbq']);
const later = new History(5000);
later.commit({ branch: 'main', from: 'refs/heads/main^0', files: { new: 'n'.repeat(3000), 'd/e/new': 'x' } });
later.importInto(PARTLY, true);

function askGit(repository: string, request: Uint8Array): Buffer {
  const env = { ...process.env, GIT_PROTOCOL: 'version=2' };
  return gitBytes(repository, ['upload-pack', '--stateless-rpc', '.'], { env, input: request });
}

/** Type and id of the objects of an answer; what git sends thin is completed from the repository. */
function idsOf(repository: string, response: Uint8Array, isOurs = false): string[] {
  const { pack, error } = parseFetchAnswer(response);
  expect(error).toBe('');
  const lookUp = (oid: string) => {
    // A client that filters may not have what a thin pack is based on.
    if (isOurs) throw new Error(`the pack lacks ${oid}`);
    const type = git(repository, ['cat-file', '-t', oid]) as 'blob';
    return { type, data: gitBytes(repository, ['cat-file', type, oid]) };
  };
  return readPack(pack, 'sha1', lookUp)
    .map(({ oid, type }) => `${type} ${oid}`)
    .sort();
}

const SPECS = [
  'blob:none',
  'blob:limit=0',
  'blob:limit=10',
  'blob:limit=1k',
  'blob:limit=1025',
  'tree:0',
  'tree:1',
  'tree:2',
  'tree:99',
  'object:type=commit',
  'object:type=tree',
  'object:type=blob',
  'object:type=tag',
  'sparse:oid=patterns',
  'combine:blob:limit=1k+blob:limit=11',
  'combine:tree:2+blob:none',
  'combine:tree:2+blob:limit=1k+object:type=blob',
  'combine:sparse:oid=patterns+tree:2',
  'combine:sparse:oid=patterns+blob:limit=11',
];
const SIZES = ['1K', '0x400', '02000', '0', '00', '1m', '17g', '0X1k'];

/** Bitmaps are of no use where it matters at which path an object stands. */
const goesByPaths = (spec: string) => /tree:[1-9]|sparse:/.test(spec);

const REQUESTS: Readonly<Record<string, readonly string[]>> = {
  'one branch': ['want main'],
  'all branches, with tags': ['want main', 'want side', 'include-tag'],
  'a branch that the client has in part': ['want main', 'have main~2'],
  'a side branch, thin': ['want side', 'have main', 'thin-pack', 'ofs-delta'],
  'a branch, with tags of what is new': ['want main', 'have main~3', 'include-tag'],
  'tags of a tag and of a tree': ['want nested', 'want tree'],
  'a tag of a blob': ['want blob'],
  'a blob': ['want main:d/k', 'want main:d/e/large'],
  'a tree': ['want main:d'],
  'a commit, its tree and a blob of it': ['want main', 'want main:d/e', 'want main:ten'],
  'what the client has': ['want main~1', 'have main'],
  'a branch, one commit of it': ['want main', 'deepen 1'],
};

describe.each([
  ['without a bitmap', WITHOUT, ['absent']],
  ['with a bitmap', WITH, ['used', 'filter', 'shallow']],
  ['with a bitmap of older objects', PARTLY, ['used', 'outside', 'filter', 'shallow']],
])('%s', (_, repository, bitmap) => {
  const server = new UploadPackV2(repository);
  const named = (line: string) =>
    line.replace(/^(want|have) (.*)/, (_, word, name) => `${word} ${git(repository, ['rev-parse', name])}`);
  it.each(Object.entries(REQUESTS))('sends what git sends: %s', async (_, lines) => {
    const args = [...lines.map(named), 'no-progress', 'done'];
    for (const spec of SPECS) {
      const request = encodeRequest('fetch', [...args, `filter ${spec}`]);
      const parts: Uint8Array[] = [];
      const { statistics } = await server.feed(request, (bytes) => void parts.push(bytes));
      expect(bitmap).toContain(statistics.bitmap);
      const isCut = lines.includes('deepen 1');
      if (bitmap.includes('used')) expect(statistics.bitmap === 'filter').toBe(goesByPaths(spec) && !isCut);
      const sent = idsOf(repository, Buffer.concat(parts), true);
      expect([spec, sent]).toEqual([spec, idsOf(repository, askGit(repository, request))]);
    }
  });
});

it.each(SIZES)('reads a size as git does: %s', async (size) => {
  const lines = [`want ${git(WITH, ['rev-parse', 'main'])}`, 'no-progress', 'done'];
  const request = encodeRequest('fetch', [...lines, `filter blob:limit=${size}`]);
  const ids = (response: Uint8Array) => idsOf(WITH, response);
  expect(ids(await new UploadPackV2(WITH).feed(request))).toEqual(ids(askGit(WITH, request)));
});

it('sends what a want names, though a filter would leave it out where it is met again', async () => {
  // Without a bitmap git forgets that an object was named when it meets it in a tree.
  const wants = ['blob', 'tree', 'main'].map((tag) => `want ${git(WITH, ['rev-parse', tag])}`);
  const root = git(WITH, ['rev-parse', 'main^{tree}']);
  const named = [`tree ${root}`, `tree ${git(WITH, ['rev-parse', 'main:d'])}`];
  const blob = `blob ${git(WITH, ['rev-parse', 'main:d/k'])}`;
  const lines = [...wants, `want ${root}`, 'no-progress', 'done'];
  const answers = (filter: string) => encodeRequest('fetch', [...lines, `filter ${filter}`]);
  for (const filter of ['blob:none', 'tree:0', 'object:type=commit']) {
    const expected = idsOf(WITH, askGit(WITH, answers(filter)));
    expect(expected).toEqual(expect.arrayContaining([blob, ...named]));
    for (const repository of [WITH, WITHOUT]) {
      const sent = idsOf(repository, await new UploadPackV2(repository).feed(answers(filter)));
      expect([filter, sent]).toEqual([filter, expected]);
    }
  }
  for (const filter of ['tree:1', 'sparse:oid=main:more-patterns']) {
    const sent = idsOf(WITH, await new UploadPackV2(WITH).feed(answers(filter)));
    expect(sent).toEqual(expect.arrayContaining([blob, ...named]));
  }
});

it('sends the trees and the blobs that two lists of patterns take in', async () => {
  // git would leave out all trees, as the second list is told that the first has shown them.
  const one = 'sparse:oid=patterns';
  const other = 'sparse:oid=main:more-patterns';
  const sent = async (filter: string) => {
    const lines = [`want ${git(WITH, ['rev-parse', 'main'])}`, `filter ${filter}`, 'no-progress', 'done'];
    return idsOf(WITH, await new UploadPackV2(WITH).feed(encodeRequest('fetch', lines)));
  };
  const others = await sent(other);
  const both = await sent(`combine:${one}+${other}`);
  expect(both).toEqual((await sent(one)).filter((id) => others.includes(id)));
  expect(both.length).toBeLessThan(others.length);
});

it('does not ask for what is left out', async () => {
  const partial = createRepository(temporaryDirectory(), 'partial.git');
  const commit = new History();
  commit.commit({ branch: 'main', files: { patterns: '/patterns\n', 'd/e/lost': 'lost' } });
  commit.importInto(partial, true);
  git(partial, ['config', 'uploadpack.allowFilter', 'true']);
  const lose = (name: string) => {
    const oid = git(partial, ['rev-parse', name]);
    fs.rmSync(path.join(partial, 'objects', oid.slice(0, 2), oid.slice(2)));
  };
  const lines = [`want ${git(partial, ['rev-parse', 'main'])}`, 'no-progress', 'done'];
  const sent = async (filter: string) => {
    const request = encodeRequest('fetch', [...lines, `filter ${filter}`]);
    const response = await new UploadPackV2(partial).feed(request);
    return parseFetchAnswer(response).error || idsOf(partial, response, true).length;
  };
  lose('main:d/e/lost');
  expect(await sent('blob:none')).toBe(4);
  expect(await sent('tree:3')).toBe(5);
  expect(await sent('sparse:oid=main:patterns')).toBe(5);
  expect(await sent('tree:4')).toMatch(/^unable to read/);
  lose('main:d/e');
  expect(await sent('tree:0')).toBe(1);
  expect(await sent('tree:2')).toBe(4);
  expect(await sent('blob:none')).toMatch(/^unable to read/);
});
