/** Blobs that clients get from elsewhere: what is told of them, and what the pack has then. */
import { beforeEach, describe, expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, reachableObjects } from '../support/git.ts';
import { gitAnswer } from '../support/git-answer.ts';
import { createRepository, History, unpackAll } from '../support/history.ts';
import { DELIM, decodePackets, pkt, v2Request } from '../support/requests.ts';

const PACK = 'ab'.repeat(20);
const OTHER = 'cd'.repeat(20);
const KEY = 'uploadpack.blobPackfileUri';
let repository: string;
let server: UploadPackV2;
let main: string;
/** Object ids of the blobs. */
let large: string;
let small: string;

/** Two versions of `small`, so that one is stored as a delta of the other, which is the one left out. */
beforeEach(() => {
  repository = createRepository(temporaryDirectory(), 'a.git');
  const lines = Array.from({ length: 200 }, (_, i) => `line ${i}\n`);
  const history = new History();
  history.commit({ branch: 'main', files: { large: 'large\n'.repeat(1000), small: lines.join('') } });
  history.commit({ branch: 'main', files: { small: [...lines, 'more\n'].join('') } });
  history.importInto(repository);
  git(repository, ['repack', '-q', '-adf']);
  git(repository, ['config', 'uploadpack.allowSidebandAll', 'true']);
  [main, large, small] = ['main', 'main:large', 'main:small'].map((name) =>
    git(repository, ['rev-parse', name]),
  );
  server = new UploadPackV2(repository);
});

function configure(...values: string[]): void {
  for (const value of values) git(repository, ['config', '--add', KEY, value]);
}

async function ask(...args: string[]): Promise<string> {
  const request = Buffer.from(v2Request('fetch', ['no-progress', ...args]));
  return Buffer.from(await server.feed(request)).toString('latin1');
}

interface Answer {
  /** Lines before the pack, less their band. */
  readonly lines: string[];
  /** Ids of the objects in the pack. */
  readonly objects: string[];
}

async function clone(...args: string[]): Promise<Answer> {
  const answer = await ask('sideband-all', 'ofs-delta', `want ${main}`, ...args, 'done');
  const packets = decodePackets(Buffer.from(answer, 'latin1'));
  const start = packets.findIndex(({ text }) => text === '\x01packfile');
  const pack = Buffer.concat(packets.slice(start + 1).map(({ bytes }) => bytes.subarray(1)));
  return {
    lines: packets.slice(0, start + 1).map(({ text }) => (text.startsWith('\x01') ? text.slice(1) : text)),
    objects: readPack(pack)
      .map(({ oid }) => oid)
      .sort(),
  };
}

const without = (...left: string[]) => reachableObjects(repository).filter((oid) => !left.includes(oid));

describe('what is left out', () => {
  it.each<[storage: string, store: () => void]>([
    ['packed', () => {}],
    ['loose', () => unpackAll(repository)],
  ])('blobs that are %s', async (_, store) => {
    store();
    configure(`${large} ${PACK} https://example.com/large.pack`, `${small} ${OTHER} http://[::1]/s?a=b c`);
    const { lines, objects } = await clone('packfile-uris http,https');
    expect(lines).toEqual([
      'packfile-uris',
      `${PACK} https://example.com/large.pack`,
      `${OTHER} http://[::1]/s?a=b c`,
      'delim',
      'packfile',
    ]);
    expect(objects).toEqual(without(large, small));
  });

  it('as git tells it, where the blobs are loose', async () => {
    unpackAll(repository);
    configure(`${large} ${PACK} https://example.com/large.pack`);
    const args = ['no-progress', 'sideband-all', 'packfile-uris https', `want ${main}`, 'done'];
    const ours = await ask(...args.slice(1));
    const theirs = gitAnswer(repository, v2Request('fetch', args)).stdout.toString('latin1');
    const head = [pkt('\x01packfile-uris\n'), pkt(`\x01${PACK} https://example.com/large.pack\n`), DELIM];
    const start = head.join('') + pkt('\x01packfile\n');
    expect(ours.slice(0, start.length)).toBe(start);
    expect(theirs.slice(0, start.length)).toBe(start);
  });

  it('only what the client can fetch', async () => {
    configure(
      `${large} ${PACK} https://example.com/large.pack`,
      `${small} ${OTHER} http://example.com/small`,
    );
    const { lines, objects } = await clone('packfile-uris http');
    expect(lines).toEqual(['packfile-uris', `${OTHER} http://example.com/small`, 'delim', 'packfile']);
    expect(objects).toEqual(without(small));
  });

  it('a blob that the client wants by its id', async () => {
    configure(`${large} ${PACK} https://example.com/large.pack`);
    expect((await clone(`want ${large}`, 'packfile-uris https')).objects).toEqual(without(large));
  });

  it('blobs of one pack, which is named once', async () => {
    configure(`${large} ${PACK} https://example.com/both`, `${small} ${PACK} https://example.com/both`);
    const { lines, objects } = await clone('packfile-uris https');
    expect(lines).toEqual(['packfile-uris', `${PACK} https://example.com/both`, 'delim', 'packfile']);
    expect(objects).toEqual(without(large, small));
  });

  it('blobs whose ids are written in capitals', async () => {
    configure(`${large.toUpperCase()} ${PACK.toUpperCase()} https://example.com/large`);
    expect((await clone('packfile-uris https')).lines).toContain(
      `${PACK.toUpperCase()} https://example.com/large`,
    );
  });
});

describe('nothing is left out', () => {
  it.each<[title: string, args: string[], uri: string]>([
    ['where the client knows other protocols', ['packfile-uris https,ftp'], 'http://example.com/large'],
    [
      'where the protocol only begins like one of the client',
      ['packfile-uris http'],
      'https://example.com/large',
    ],
    ['where the client does not ask', [], 'http://example.com/large'],
  ])('%s', async (_, args, uri) => {
    configure(`${large} ${PACK} ${uri}`);
    const { lines, objects } = await clone(...args);
    expect(lines).toEqual(['packfile']);
    expect(objects).toEqual(without());
  });

  it('where the client has the blob', async () => {
    configure(`${large} ${PACK} https://example.com/large`);
    const { lines } = await clone(`have ${git(repository, ['rev-parse', 'main~1'])}`, 'packfile-uris https');
    expect(lines).toEqual(['packfile']);
  });

  it('where the blob is not in the repository', async () => {
    configure(`${'1'.repeat(40)} ${PACK} https://example.com/large`);
    expect((await clone('packfile-uris https')).lines).toEqual(['packfile']);
  });

  it('where the answer is not in bands, as in git', async () => {
    configure(`${large} ${PACK} https://example.com/large`);
    const answer = await ask('packfile-uris https', `want ${main}`, 'done');
    expect(answer.startsWith(pkt('packfile\n'))).toBe(true);
  });
});

describe('what is refused', () => {
  it.each<[title: string, values: () => string[], text: string]>([
    ['a value without a pack', () => [`${large} https://example.com/large`], 'must be of the form'],
    ['a short id', () => [`${large.slice(1)} ${PACK} https://example.com/large`], 'must be of the form'],
    [
      'a blob that is named twice',
      () => [`${large} ${PACK} https://example.com/a`, `${large} ${PACK} https://example.com/b`],
      'object already configured in another uploadpack.blobpackfileuri',
    ],
  ])('%s', async (_, values, text) => {
    configure(...values());
    const args = ['sideband-all', 'packfile-uris https', `want ${main}`, 'done'];
    expect(await ask(...args)).toMatch(new RegExp(`^....\x03.*${text}`));
  });

  it('two lines that name protocols', async () => {
    configure(`${large} ${PACK} https://example.com/large`);
    const lines = ['packfile-uris https', 'packfile-uris http'];
    expect(await ask(...lines)).toBe(pkt('ERR multiple packfile-uris lines forbidden'));
    expect(await ask('sideband-all', ...lines)).toBe(pkt('\x03multiple packfile-uris lines forbidden'));
  });

  it('the line, where nothing is configured', async () => {
    expect(await ask('packfile-uris https')).toBe(pkt("ERR unexpected line: 'packfile-uris https'"));
  });
});

it('is advertised where anything is configured', () => {
  const features = () => /fetch=(.*)\n/.exec(Buffer.from(server.advertise()).toString())?.[1];
  expect(features()).toBe('shallow wait-for-done sideband-all');
  configure('anything');
  expect(features()).toBe('shallow wait-for-done sideband-all packfile-uris');
});
