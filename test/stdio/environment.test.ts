/** Which repository is served, and what of it: directories and git's environment, beside the real `git upload-pack`. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { git } from '../support/git.ts';
import { addCommit, createRepository, History } from '../support/history.ts';
import { decodePackets, FLUSH, pkt } from '../support/requests.ts';
import { GIT_UPLOAD_PACK, type Program, runProgram } from './upload-pack.ts';

const root = temporaryDirectory();
let packhorse: Program;
let source: string;

beforeAll(() => {
  packhorse = [process.execPath, buildExecutable(), 'upload-pack'];
  source = createRepository(root, 'source.git');
  const history = new History();
  const first = history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.commit({ branch: 'side', from: first, files: { b: 'b\n' } });
  history.commit({ branch: 'refs/namespaces/one/refs/heads/inside', files: { c: 'c\n' } });
  history.importInto(source);
});

/** What both answer, the agent left out; they must answer the same. */
async function advertised(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const [ours, theirs] = await Promise.all(
    [packhorse, GIT_UPLOAD_PACK].map(async (program) => {
      const options = { environment };
      const { status, stdout, stderr } = await runProgram(program, ['--advertise-refs', ...args], options);
      const packets = decodePackets(stdout).map(({ text }) => text.replace(/ agent=\S+/, ''));
      // A reason for the client comes from us alone.
      return { status, stderr, packets: packets.filter((text) => !text.startsWith('ERR ')) };
    }),
  );
  expect(ours).toEqual(theirs);
  return ours;
}

const namesOf = ({ packets }: { packets: readonly string[] }) =>
  packets.filter((text) => text.includes(' ')).map((text) => text.split('\0', 1)[0].slice(41));

const ALL = ['HEAD', 'refs/heads/main', 'refs/heads/side', 'refs/namespaces/one/refs/heads/inside'];

describe('a directory', () => {
  let work: string;

  beforeAll(() => {
    work = path.join(root, 'work');
    git(root, ['clone', '--quiet', source, work]);
    fs.writeFileSync(path.join(root, 'file.git'), `gitdir: ${source}\n`);
  });

  test.each([
    ['source.git', true],
    ['source.git/', true],
    ['source', true],
    ['work', true],
    ['work/.git', true],
    ['file.git', true],
    ['file', true],
    ['source.git/refs', false],
    ['.', false],
  ])('%s: found %s', async (name, found) => {
    const { status } = await advertised([path.join(root, name) + (name.endsWith('/') ? '/' : '')]);
    expect(status === 0).toBe(found);
  });

  test.each([
    ['source.git', true],
    ['work', false],
    ['work/.git', true],
    ['file.git', true],
  ])('--strict %s: found %s', async (name, found) => {
    expect((await advertised(['--strict', path.join(root, name)])).status === 0).toBe(found);
  });

  test('that is relative, at home, or at that of a user', async () => {
    expect(namesOf(await advertised([path.relative('', source)]))).toEqual(ALL);
    expect(namesOf(await advertised(['~/source'], { HOME: root }))).toEqual(ALL);
    expect((await advertised([`~${os.userInfo().username}/no/such.git`])).status).toBe(128);
    expect((await advertised(['~no.such.user/source'])).status).toBe(128);
  });
});

test('GIT_NAMESPACE', async () => {
  expect(namesOf(await advertised([source], { GIT_NAMESPACE: 'one' }))).toEqual(['refs/heads/inside']);
  expect(namesOf(await advertised([source], { GIT_NAMESPACE: '' }))).toEqual(ALL);
});

test('configuration of the user, of the system and of the command', async () => {
  const file = path.join(root, 'gitconfig');
  fs.writeFileSync(file, '[transfer]\n\thideRefs = refs/heads/side\n');
  const home = path.join(root, 'home');
  fs.mkdirSync(home);
  fs.copyFileSync(file, path.join(home, '.gitconfig'));
  const counted = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'uploadpack.hideRefs',
    GIT_CONFIG_VALUE_0: 'refs/heads/side',
  };
  for (const environment of [
    { GIT_CONFIG_GLOBAL: file },
    { GIT_CONFIG_NOSYSTEM: undefined, GIT_CONFIG_SYSTEM: file },
    { GIT_CONFIG_GLOBAL: undefined, HOME: home },
    { GIT_CONFIG_PARAMETERS: "'transfer.hiderefs'='refs/heads/side'" },
    counted,
  ]) {
    expect(namesOf(await advertised([source], environment))).toEqual(
      ALL.filter((name) => name !== 'refs/heads/side'),
    );
  }
});

test('GIT_OBJECT_DIRECTORY and GIT_ALTERNATE_OBJECT_DIRECTORIES', async () => {
  const [main, side, aside] = ['main', 'side', 'aside'].map((name) => path.join(root, `objects-${name}.git`));
  fs.cpSync(source, main, { recursive: true });
  fs.cpSync(source, side, { recursive: true });
  addCommit(side, 'side', { d: 'd\n' });
  git(main, ['update-ref', '--stdin'], { input: 'delete refs/namespaces/one/refs/heads/inside\n' });
  const tip = git(side, ['rev-parse', 'side']);
  fs.writeFileSync(path.join(main, 'refs/heads/new'), `${tip}\n`);
  const objects = path.join(side, 'objects');
  for (const alternates of [objects, `${root}:${objects}`, `"${objects}"`]) {
    const answer = await advertised([main], { GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates });
    expect(namesOf(answer)).toContain('refs/heads/new');
  }
  fs.renameSync(path.join(main, 'objects'), aside);
  expect((await advertised([main])).status).toBe(128);
  const moved = { GIT_OBJECT_DIRECTORY: aside };
  const both = { ...moved, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects };
  expect(namesOf(await advertised([main], both))).toContain('refs/heads/new');
  // What they lend is sent, too.
  const input = `${pkt(`want ${tip} ofs-delta no-progress`)}${FLUSH}${pkt('done')}`;
  const { status, stdout } = await runProgram(packhorse, [main], { input, environment: both });
  expect(status).toBe(0);
  const copy = createRepository(root, 'copy.git');
  git(copy, ['index-pack', '--stdin', '--strict'], {
    input: stdout.subarray(stdout.indexOf('NAK\nPACK') + 4),
  });
  expect(git(copy, ['rev-list', '--count', tip])).toBe('3');
});
