/** Which filters a repository allows: as git reads its configuration, and in git's words. */
import { beforeEach, describe, expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { decodePackets, encodeRequest } from '../support/requests.ts';

let repository: string;

beforeEach(() => {
  repository = createRepository(temporaryDirectory(), 'owned.git');
  const history = new History();
  history.commit({ branch: 'main', files: { 'd/file': 'x' } });
  history.importInto(repository);
  set('uploadpack.allowFilter', 'true');
});

const set = (key: string, value: string) => git(repository, ['config', '--add', key, value]);

/** The first line of the answer, less a file that is at fault; git refuses in the same words, or answers as well. */
async function ask(...filters: string[]): Promise<string> {
  const want = `want ${git(repository, ['rev-parse', 'main'])}`;
  const lines = filters.map((filter) => `filter ${filter}`);
  const request = encodeRequest('fetch', [want, ...lines, 'no-progress', 'done']);
  const [packet] = decodePackets(await new UploadPackV2(repository).feed(request));
  const text = packet.text.replace(/ in file .*/, '');
  const env = { ...process.env, GIT_PROTOCOL: 'version=2' };
  const askGit = () => gitBytes(repository, ['upload-pack', '--stateless-rpc', '.'], { env, input: request });
  if (text.startsWith('ERR ')) expect(askGit).toThrow(text.slice('ERR '.length));
  else expect(decodePackets(askGit())[0].text).toBe(text);
  return text;
}

/** Names of filters, and how each may go on. */
const VALUES = {
  'blob:none': '',
  'blob:limit': '=1',
  'object:type': '=tag',
  'sparse:oid': '=main:x',
  combine: ':tree:1',
};

const notSupported = (name: string) => `ERR filter '${name}' not supported`;

it('does not offer filters, or take them, unless they are allowed', async () => {
  const advertised = () => Buffer.from(new UploadPackV2(repository).advertise()).toString();
  expect(advertised()).toContain('fetch=shallow wait-for-done filter\n');
  expect(await ask('blob:none')).toBe('packfile');
  set('uploadpack.allowFilter', 'false');
  expect(advertised()).toContain('fetch=shallow wait-for-done\n');
  expect(await ask('blob:none')).toBe("ERR unexpected line: 'filter blob:none'");
});

it('takes one filter only', async () => {
  expect(await ask('blob:none', 'tree:0')).toBe('ERR multiple filter-specs cannot be combined');
});

it('tells what is wrong with a filter', async () => {
  expect(await ask('tree:x')).toBe("ERR expected 'tree:<depth>'");
});

describe('the owner', () => {
  it('bans some filters', async () => {
    set('uploadpackfilter.blob:limit.allow', 'false');
    expect(await ask('blob:limit=1')).toBe(notSupported('blob:limit'));
    expect(await ask('blob:none')).toBe('packfile');
  });

  it('allows some filters', async () => {
    set('uploadpackfilter.allow', 'false');
    set('uploadpackfilter.tree.allow', 'true');
    for (const [name, value] of Object.entries(VALUES)) {
      expect(await ask(name + value)).toBe(notSupported(name));
    }
    expect(await ask('tree:0')).toBe('packfile');
    expect(await ask('tree:9')).toBe('packfile');
  });

  it('must allow a combination and all of its parts', async () => {
    set('uploadpackfilter.allow', 'false');
    set('uploadpackfilter.combine.allow', 'true');
    set('uploadpackfilter.tree.allow', 'true');
    expect(await ask('combine:tree:1+tree:2')).toBe('packfile');
    expect(await ask('combine:tree:1+blob:none')).toBe(notSupported('blob:none'));
    expect(await ask('combine:tree:1+combine:object:type=blob')).toBe(notSupported('object:type'));
    set('uploadpackfilter.combine.allow', 'false');
    expect(await ask('combine:tree:1+blob:none')).toBe(notSupported('combine'));
  });

  it('says how deep trees may be asked for', async () => {
    set('uploadpackfilter.allow', 'false');
    set('uploadpackfilter.tree.maxDepth', '0');
    expect(await ask('tree:0')).toBe('packfile');
    expect(await ask('tree:1')).toBe('ERR tree filter allows max depth 0, but got 1');
    set('uploadpackfilter.tree.maxDepth', '1k');
    expect(await ask('tree:1024')).toBe('packfile');
    expect(await ask('tree:1025')).toBe('ERR tree filter allows max depth 1024, but got 1025');
    set('uploadpackfilter.combine.allow', 'true');
    expect(await ask('combine:tree:5+tree:2k')).toBe('ERR tree filter allows max depth 1024, but got 2048');
  });

  it('is taken at the last word on whether trees are allowed', async () => {
    set('uploadpackfilter.tree.maxDepth', '5');
    set('uploadpackfilter.tree.allow', 'false');
    expect(await ask('tree:1')).toBe(notSupported('tree'));
    git(repository, ['config', '--unset', 'uploadpackfilter.tree.maxDepth']);
    set('uploadpackfilter.tree.maxDepth', '5');
    expect(await ask('tree:1')).toBe('packfile');
  });

  it.each(['x', '-1', ''])(
    'is told that a depth is none, whatever a client asks for: "%s"',
    async (depth) => {
      set('uploadpackfilter.tree.maxDepth', depth);
      const words = `ERR bad numeric config value '${depth}' for 'uploadpackfilter.tree.maxdepth'`;
      expect(await ask()).toBe(words);
      expect(await ask('blob:none')).toBe(words);
    },
  );
});
