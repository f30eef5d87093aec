/** `packhorse upload-pack` as a process: what it needs, how it waits and how it ends. */
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Pace } from '../../src/pack/pace.ts';
import { OwnBitmaps } from '../../src/store/own-bitmaps.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { git } from '../support/git.ts';
import { createLarge, LARGE_PACK_BYTES } from '../support/large.ts';
import { repositoryFromPack } from '../support/raw-client.ts';
import { FLUSH, parseFetchAnswer, pkt, v2Request } from '../support/requests.ts';
import { ended, GIT_UPLOAD_PACK, type Program, protocol, runProgram, startProgram } from './upload-pack.ts';

const root = temporaryDirectory();
let packhorse: Program;
let repository: string;
let tip: string;

beforeAll(() => {
  packhorse = [process.execPath, buildExecutable(), 'upload-pack'];
  repository = createLarge(root, 'large.git');
  tip = git(repository, ['rev-parse', 'main']);
});

/** A clone in protocol version 0, whose capabilities follow. */
function cloneRequest(capabilities: string): string {
  return `${pkt(`want ${tip} ${capabilities}\n`)}${FLUSH}${pkt('done\n')}`;
}

test('it reads repositories without git, without packages, in one thread', async () => {
  const [, main] = packhorse;
  expect(fs.existsSync(path.join(main, '../../../node_modules'))).toBe(false);
  // Node.js then starts no process and no thread.
  const environment = {
    ...protocol(2),
    PATH: '',
    NODE_OPTIONS: '--permission --allow-fs-read=*',
    NODE_NO_WARNINGS: '1',
  };
  const input = v2Request('fetch', [`want ${tip}`, 'ofs-delta', 'include-tag', 'no-progress', 'done']);
  const answer = await runProgram(packhorse, ['--stateless-rpc', repository], { input, environment });
  expect(answer).toMatchObject({ status: 0, stderr: '' });
  const { pack, complete } = parseFetchAnswer(answer.stdout);
  expect(complete).toBe(true);
  repositoryFromPack(path.join(root, 'from-pack.git'), pack, repository);
});

describe('without bands', () => {
  /** What comes behind the advertisement and the NAK. */
  const packOf = (stdout: Buffer) => stdout.subarray(stdout.indexOf('0008NAK\nPACK') + 8);

  test.each([[[]], [['--timeout=60']]])(
    '%j: the pack is bare; progress is for the operator, if anyone',
    async (flags) => {
      const options = { input: cloneRequest('ofs-delta include-tag') };
      const ours = await runProgram(packhorse, [...flags, repository], options);
      const theirs = await runProgram(GIT_UPLOAD_PACK, [...flags, repository], options);
      expect([ours.status, theirs.status]).toEqual([0, 0]);
      repositoryFromPack(path.join(temporaryDirectory(), 'copy.git'), packOf(ours.stdout), repository);
      const counted = /Counting objects: 100% \(\d+\/\d+\), done\.\n/;
      expect(counted.exec(ours.stderr)?.[0]).toBe(counted.exec(theirs.stderr)?.[0]);
      expect(ours.stderr === '').toBe(theirs.stderr === '');
    },
  );
});

describe.each([
  ['packhorse', () => packhorse],
  ['git', () => GIT_UPLOAD_PACK],
])('a client of %s', (_, program) => {
  test('that stops reading ends it by SIGPIPE', async () => {
    const child = startProgram(program(), [repository]);
    const end = ended(child);
    child.stdin.write(cloneRequest('side-band-64k ofs-delta'));
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await end).toEqual({ status: 'SIGPIPE', stderr: '' });
  });

  test('that says nothing for as long as --timeout ends it by SIGALRM, without a word', async () => {
    for (const said of ['', pkt(`want ${tip}`), '00']) {
      const child = startProgram(program(), ['--timeout=1', repository]);
      const end = ended(child);
      child.stdin.write(said);
      const stdout: Buffer[] = [];
      child.stdout.on('data', (data) => stdout.push(data));
      expect(await end).toEqual({ status: 'SIGALRM', stderr: '' });
      expect(Buffer.concat(stdout).toString('latin1')).toMatch(/refs\/tags\/v1\^\{\}\n0000$/);
    }
  });

  test('that does not read for as long as --timeout ends it by SIGALRM', async () => {
    const child = startProgram(program(), ['--timeout=1', repository]);
    const end = once(child, 'exit');
    child.stdin.write(cloneRequest('side-band-64k ofs-delta'));
    expect(await end).toEqual([null, 'SIGALRM']);
  });

  test('of version 2 has no time limit', async () => {
    const child = startProgram(program(), ['--timeout=1', repository], protocol(2));
    const end = ended(child);
    await once(child.stdout, 'data');
    // Another one, with a limit, comes and goes meanwhile.
    await ended(startProgram(program(), ['--timeout=2', repository]));
    child.stdin.end(FLUSH);
    expect((await end).status).toBe(0);
  });
});

test('a client that reads when it likes gets all of it, and may be done with speaking before', async () => {
  const child = startProgram(packhorse, ['--stateless-rpc', repository], protocol(2));
  const end = ended(child);
  child.stdin.end(v2Request('fetch', [`want ${tip}`, 'ofs-delta', 'done']));
  const parts: Buffer[] = [];
  for await (const part of child.stdout) {
    parts.push(part);
    // Another process starts and ends between any two looks at the first bytes.
    if (parts.length < 4) await runProgram(packhorse, ['--advertise-refs', repository]);
  }
  expect((await end).status).toBe(0);
  const { pack, complete } = parseFetchAnswer(Buffer.concat(parts));
  expect(complete).toBe(true);
  expect(pack.length).toBeGreaterThan(LARGE_PACK_BYTES);
});

test('bitmaps of our own are used where the cache directory is named', async () => {
  const cache = temporaryDirectory();
  await new UploadPack(repository).buildBitmaps(new OwnBitmaps(cache), new Pace());
  const input = v2Request('fetch', [`want ${tip}`, 'ofs-delta', 'done']);
  const bitmapOf = async (environment: NodeJS.ProcessEnv) => {
    const options = { input, environment: { ...protocol(2), ...environment } };
    const { stdout } = await runProgram(packhorse, ['--stateless-rpc', repository], options);
    return /bitmap (\w+)/.exec(parseFetchAnswer(stdout).progress)?.[1];
  };
  expect(await bitmapOf({})).toBe('absent');
  expect(await bitmapOf({ PACKHORSE_CACHE_DIR: cache })).toBe('used');
});

test('compiled code is kept in the cache directory, and not at all where that cannot be', async () => {
  const cache = path.join(temporaryDirectory(), 'cache');
  const run = (environment: NodeJS.ProcessEnv) =>
    runProgram(packhorse, ['--advertise-refs', repository], {
      environment: { NODE_DISABLE_COMPILE_CACHE: undefined, ...environment },
    });
  const kept = await run({ PACKHORSE_CACHE_DIR: cache });
  expect(kept).toMatchObject({ status: 0, stderr: '' });
  expect(fs.readdirSync(path.join(cache, 'code'))).toHaveLength(1);
  expect(await run({ PACKHORSE_CACHE_DIR: cache })).toEqual(kept);
  expect(await run({ PACKHORSE_CACHE_DIR: '/dev/null' })).toEqual(kept);
});
