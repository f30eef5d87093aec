import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PackhorseError, readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, reachableObjects } from '../support/git.ts';
import { decodePackets, encodeRequest, parseFetchAnswer } from '../support/requests.ts';

/** Thirty commits, two branches, an annotated tag, and a blob of 70 KiB that does not compress. */
function makeRepository(): string {
  const directory = temporaryDirectory();
  git(directory, ['init', '-q', '-b', 'main', '.']);
  fs.writeFileSync(
    path.join(directory, 'large'),
    crypto
      .createHash('shake256', { outputLength: 70 * 1024 })
      .update('x')
      .digest(),
  );
  for (let i = 0; i < 30; i++) {
    fs.writeFileSync(path.join(directory, `file${i % 5}`), `version ${i}\n`);
    git(directory, ['add', '-A']);
    git(directory, ['commit', '-q', '-m', `commit ${i}`]);
  }
  git(directory, ['tag', '-a', '-m', 'a tag', 'v1']);
  git(directory, ['branch', 'side', 'HEAD~10']);
  git(directory, ['repack', '-q', '-ad']);
  return directory;
}

const repository = makeRepository();
const server = new UploadPackV2(repository);
const id = (name: string) => git(repository, ['rev-parse', name]);
const head = id('HEAD');

async function streamed(request: Uint8Array): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  const { error } = await server.feed(request, (bytes) => void pieces.push(bytes));
  expect(error).toBeUndefined();
  return pieces;
}

const fetchArguments = ['ofs-delta', 'thin-pack', 'no-progress', `want ${head}`];
const haves = [`have ${id('HEAD~5')}`, `have ${'1'.repeat(40)}`, `have ${id('side')}`];

describe('feed', () => {
  it.each([
    [
      'ls-refs',
      encodeRequest('ls-refs', ['peel', 'symrefs', 'unborn', 'ref-prefix refs/', 'ref-prefix HEAD']),
    ],
    ['a round of acknowledgments', encodeRequest('fetch', [...fetchArguments, 'wait-for-done', ...haves])],
    ['acknowledgments, ready and a pack', encodeRequest('fetch', [...fetchArguments, ...haves])],
    ['a full clone', encodeRequest('fetch', [...fetchArguments, 'done'])],
    ['a shallow clone', encodeRequest('fetch', [...fetchArguments, 'deepen 3', 'done'])],
  ])('streams the bytes of the whole response: %s', async (_, request) => {
    const whole = await server.feed(request);
    const pieces = await streamed(request);
    expect(whole.length).toBeGreaterThan(50);
    expect(Buffer.concat(pieces).equals(whole)).toBe(true);
  });

  it('sends a blob of 70 KiB in several writes of at most 65,520 bytes', async () => {
    const blob = id('HEAD:large');
    const pieces = await streamed(encodeRequest('fetch', ['no-progress', `want ${blob}`, 'done']));
    const large = pieces.filter((piece) => piece.length > 1000);
    expect(large.length).toBeGreaterThan(1);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBe(65520);
    expect(readPack(parseFetchAnswer(Buffer.concat(pieces)).pack).map(({ oid }) => oid)).toEqual([blob]);
  });

  it('sends every object of a clone once', async () => {
    const { pack } = parseFetchAnswer(
      await server.feed(encodeRequest('fetch', [...fetchArguments, `want ${id('v1')}`, 'done'])),
    );
    expect(
      readPack(pack)
        .map(({ oid }) => oid)
        .sort(),
    ).toEqual(reachableObjects(repository));
  });

  it('awaits a write before the next', async () => {
    let writing = 0;
    let writes = 0;
    await server.feed(encodeRequest('fetch', [...fetchArguments, 'done']), async () => {
      expect(++writing).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      writing--;
      writes++;
    });
    expect(writes).toBeGreaterThan(2);
  });

  it('rejects with the error of a write that fails, and stops', async () => {
    let writes = 0;
    const broken = server.feed(encodeRequest('fetch', [...fetchArguments, 'done']), () => {
      writes++;
      throw new Error('the pipe is gone');
    });
    await expect(broken).rejects.toThrow('the pipe is gone');
    expect(writes).toBe(1);
  });

  it('tells the client and the caller of a failure', async () => {
    const pieces: Uint8Array[] = [];
    const missing = '1'.repeat(40);
    const { error } = await server.feed(
      encodeRequest('fetch', [`want ${missing}`, 'done']),
      (bytes) => void pieces.push(bytes),
    );
    expect(error).toBeInstanceOf(PackhorseError);
    expect(error?.code).toBe('PACKHORSE_NOT_OUR_REF');
    expect(decodePackets(Buffer.concat(pieces)).map(({ text }) => text)).toEqual([
      `ERR upload-pack: not our ref ${missing}`,
    ]);
  });

  it('answers a lone flush with nothing', async () => {
    expect(await server.feed(Buffer.from('0000'))).toHaveLength(0);
  });
});

describe('advertise', () => {
  it('lists the capabilities in the order of git', () => {
    const lines = decodePackets(server.advertise()).map(({ text }) => text.replace(/^agent=.*/, 'agent'));
    expect(lines).toEqual([
      'version 2',
      'agent',
      'ls-refs=unborn',
      'fetch=shallow wait-for-done',
      'server-option',
      'object-format=sha1',
      'flush',
    ]);
  });

  it('throws where there is no repository', () => {
    const nowhere = new UploadPackV2(path.join(repository, 'nowhere'));
    expect(() => nowhere.advertise()).toThrow(
      expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_NOT_FOUND' }),
    );
  });
});
