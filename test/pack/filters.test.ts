/** Filters of partial clones: what `git upload-pack` sends for the same request is what is to be sent. */
import { describe, expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { decodePackets, encodeRequest, parseFetchAnswer } from '../support/requests.ts';

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
  history.tag('commit', ':2');
  history.importInto(directory);
  git(directory, ['tag', '-a', '-m', 'x', 'nested', 'commit']);
  git(directory, ['tag', '-a', '-m', 'x', 'tree', 'main:d']);
  git(directory, ['tag', '-a', '-m', 'x', 'blob', 'main:d/k']);
  git(directory, ['tag', '-a', '-m', 'x', 'tip', 'main']);
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
  'object:type=commit',
  'object:type=tree',
  'object:type=blob',
  'object:type=tag',
];
const SIZES = ['1K', '0x400', '02000', '0', '00', '1m', '17g', '0X1k'];

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
};

describe.each([
  ['without a bitmap', WITHOUT, ['absent']],
  ['with a bitmap', WITH, ['used']],
  ['with a bitmap of older objects', PARTLY, ['used', 'outside']],
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
  // Without a bitmap git forgets that the blob was named when it meets it in the tree.
  const wants = ['blob', 'tree'].map((tag) => `want ${git(WITH, ['rev-parse', tag])}`);
  const request = encodeRequest('fetch', [...wants, 'filter blob:none', 'no-progress', 'done']);
  const expected = idsOf(WITH, askGit(WITH, request));
  expect(expected).toContain(`blob ${git(WITH, ['rev-parse', 'main:d/k'])}`);
  for (const repository of [WITH, WITHOUT]) {
    expect(idsOf(repository, await new UploadPackV2(repository).feed(request))).toEqual(expected);
  }
});

const firstLine = (response: Uint8Array) => decodePackets(response)[0].text;
const server = new UploadPackV2(WITH);
const want = `want ${git(WITH, ['rev-parse', 'main'])}`;
const ask = (filter: string) => encodeRequest('fetch', [want, `filter ${filter}`, 'done']);

describe('a filter that cannot be', () => {
  it.each([
    ['blob:some', "invalid filter-spec 'blob:some'"],
    ['blob:limit=', "invalid filter-spec 'blob:limit='"],
    ['blob:limit=1x', "invalid filter-spec 'blob:limit=1x'"],
    ['', "invalid filter-spec ''"],
    ['tree:', "expected 'tree:<depth>'"],
    ['tree:x', "expected 'tree:<depth>'"],
    ['object:type=thing', "'thing' for 'object:type=<type>' is not a valid object type"],
  ])('is refused in the words of git: %s', async (spec, words) => {
    expect(() => askGit(WITH, ask(spec))).toThrow(words);
    expect(firstLine(await server.feed(ask(spec)))).toBe(`ERR ${words}`);
  });

  it.each(['tree:1', 'sparse:oid=main:ten', 'combine:blob:none+tree:0'])(
    'or that is not supported is refused: %s',
    async (spec) => {
      expect(firstLine(await server.feed(ask(spec)))).toMatch(/^ERR filter '.*' is not supported/);
    },
  );

  it('is refused when there are two', async () => {
    const request = encodeRequest('fetch', [want, 'filter blob:none', 'filter tree:0', 'done']);
    expect(firstLine(await server.feed(request))).toBe('ERR multiple filter-specs cannot be combined');
  });
});

describe('the owner of a repository', () => {
  const owned = makeRepository();
  const asked = [`want ${git(owned, ['rev-parse', 'main'])}`, 'no-progress', 'done'];
  const answers = async (spec: string) => {
    const request = encodeRequest('fetch', [...asked, `filter ${spec}`]);
    const line = firstLine(await new UploadPackV2(owned).feed(request));
    if (line.startsWith('ERR')) expect(() => askGit(owned, request)).toThrow();
    else expect(firstLine(askGit(owned, request))).toBe(line);
    return line;
  };
  const advertised = () => Buffer.from(new UploadPackV2(owned).advertise()).toString();

  it('allows filters or does not', async () => {
    git(owned, ['config', '--unset', 'uploadpack.allowFilter']);
    expect(advertised()).toContain('fetch=shallow wait-for-done\n');
    expect(await answers('blob:none')).toBe("ERR unexpected line: 'filter blob:none'");
    git(owned, ['config', 'uploadpack.allowFilter', 'true']);
    expect(advertised()).toContain('fetch=shallow wait-for-done filter\n');
    expect(await answers('blob:none')).toBe('packfile');
  });

  it('bans some filters', async () => {
    git(owned, ['config', 'uploadpackfilter.blob:limit.allow', 'false']);
    expect(await answers('blob:limit=1')).toBe("ERR git upload-pack: filter 'blob:limit' not supported");
    expect(await answers('blob:none')).toBe('packfile');
  });

  it('allows some filters', async () => {
    git(owned, ['config', 'uploadpackfilter.allow', 'false']);
    git(owned, ['config', 'uploadpackfilter.tree.allow', 'true']);
    for (const spec of ['blob:none', 'blob:limit=1', 'object:type=tag']) {
      const name = spec.replace(/=.*/, '');
      expect(await answers(spec)).toBe(`ERR git upload-pack: filter '${name}' not supported`);
    }
    expect(await answers('tree:0')).toBe('packfile');
  });
});
