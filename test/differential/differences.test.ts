/** Where Packhorse differs from git on purpose, as far as no rule of the proof says so; and that docs/differences.md has it all. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { type Ended, GIT_UPLOAD_PACK } from '../stdio/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, FLUSH, pkt } from '../support/requests.ts';
import { readAnswers } from './answers.ts';
import { RULES } from './expectations.ts';
import { OBJECT_RULES } from './expected-objects.ts';
import { askPackhorse, type Door, runUploadPack } from './judge.ts';

const directory = createRepository(temporaryDirectory(), 'a.git');
const history = new History();
history.commit({ branch: 'other', files: { other: '' } });
for (let i = 0; i < 6; i++) history.commit({ branch: 'main', files: { file: `${i}` } });
history.importInto(directory);
const [main, parent, other] = git(directory, ['rev-parse', 'main', 'main~1', 'other']).split('\n');

interface Said {
  readonly lines: string[][];
  readonly code: Ended['status'];
}

/** Packets as bytes: text lines, flushes and delimiters, or with a `!` in front any bytes. */
function encodeAll(packets: readonly string[]): Buffer {
  const encode = (packet: string) => {
    if (packet.startsWith('!')) return packet.slice(1);
    return packet === FLUSH || packet === DELIM ? packet : pkt(`${packet}\n`);
  };
  return Buffer.from(packets.map(encode).join(''));
}

/** What both say to the same packets. */
async function ask(door: Door, packets: readonly string[]): Promise<{ git: Said; packhorse: Said }> {
  const bytes = encodeAll(packets);
  const responses = [
    await runUploadPack(GIT_UPLOAD_PACK, directory, door, bytes),
    await askPackhorse(directory, door, bytes),
  ];
  const [theirs, ours] = responses.map((response) => ({
    lines: readAnswers(response.bytes, door).map(({ lines }) => lines),
    code: response.code,
  }));
  return { git: theirs, packhorse: ours };
}

const v2 = (...args: string[]) => ['command=fetch', 'object-format=sha1', DELIM, ...args, FLUSH];
const V0: Door = { version: 0, stateless: true };
const V2: Door = { version: 2, stateless: true };

describe('a hidden ref says nothing of what a client has', () => {
  it.each([
    ['points at a commit on the way', 'main~3', 'main', []],
    ['points at a tag that is wanted, and history is limited', 'tagged', 'tagged', ['deepen-since 1']],
  ])('when ready is worked out in version 0, and it %s', async (_, hidden, wanted, limits) => {
    git(directory, ['config', 'transfer.hideRefs', 'refs/hidden']);
    git(directory, ['tag', '-a', '-m', 'a tag', 'tagged', 'main']);
    git(directory, ['update-ref', 'refs/hidden/one', hidden]);
    const want = git(directory, ['rev-parse', wanted]);
    const request = [`want ${want} multi_ack_detailed`, ...limits, FLUSH, `have ${other}`, FLUSH];
    const said = await ask(V0, request);
    git(directory, ['update-ref', '-d', 'refs/hidden/one']);
    const without = await ask(V0, request);
    git(directory, ['tag', '-d', 'tagged']);
    const before = limits.map(() => FLUSH);
    const notReady = [[...before, `ACK ${other} common`, 'NAK']];
    expect(said.git.lines).toEqual([[...before, `ACK ${other} common`, `ACK ${other} ready`, 'NAK']]);
    expect(said.packhorse.lines).toEqual(notReady);
    expect(without.git.lines).toEqual(notReady);
  });
});

it('forgets what one request of a connection said of shallow commits', async () => {
  const first = v2(`want ${main}`, 'deepen 1', 'done');
  const second = v2(`want ${main}`, 'deepen 2', 'done');
  const said = await ask({ version: 2, stateless: false }, [...first, ...second, FLUSH]);
  const alone = await ask(V2, second);
  expect(alone.git.lines).toEqual([['shallow-info', `shallow ${parent}`, DELIM, 'packfile']]);
  expect(said.packhorse.lines.slice(2)).toEqual(alone.git.lines);
  expect(said.git.lines.slice(2)).toEqual([['shallow-info', DELIM, 'packfile']]);
});

it('limits history by time in the same way whether refs limit it too or not, where clocks ran wrong', async () => {
  const commit = (date: number, ...parents: string[]) =>
    git(
      directory,
      ['commit-tree', ...parents.flatMap((id) => ['-p', id]), '-m', `${date}`, `${main}^{tree}`],
      {
        env: { ...GIT_ENVIRONMENT, GIT_COMMITTER_DATE: `${date} +0000` },
      },
    );
  const [old, young] = [1_600_000_000, 1_900_000_000];
  const first = commit(young, main);
  const last = commit(young, commit(old, first), first);
  const request = (...limits: string[]) => v2(`want ${last}`, 'deepen-since 1800000000', ...limits, 'done');
  const shallow = ({ lines }: Said) => lines[0].filter((line) => line.startsWith('shallow ')).sort();
  const alone = await ask(V2, request());
  const said = await ask(V2, request('deepen-not other'));
  const both = [`shallow ${first}`, `shallow ${last}`].sort();
  expect([shallow(alone.git), shallow(alone.packhorse), shallow(said.packhorse)]).toEqual([both, both, both]);
  // The old commit in between keeps out the first one, as far as git looks.
  expect(shallow(said.git)).toEqual([`shallow ${last}`]);
});

it('refuses a packet that only servers send', async () => {
  const said = await ask(V0, [`want ${main}`, '!0002', 'done']);
  expect(said.git).toEqual({ lines: [['NAK']], code: 0 });
  expect(said.packhorse).toEqual({ lines: [['ERR protocol error: bad line length 2']], code: 128 });
});

it.each(['deepen 2147483648', 'deepen 99999999999'])(
  'takes a depth that is no int for all of history: %s',
  async (line) => {
    const request = v2(`want ${main}`, `shallow ${parent}`, line, 'done');
    const all = await ask(V2, v2(`want ${main}`, `shallow ${parent}`, 'deepen 2147483647', 'done'));
    const said = await ask(V2, request);
    expect(said.packhorse).toEqual(all.git);
  },
);

it('tells of the first mistake in a request of version 0, as git does', async () => {
  const missing = '1'.repeat(40);
  const said = await ask(V0, [`want ${missing}`, 'nonsense', FLUSH, 'done']);
  expect(said.git.lines).toEqual([[`ERR upload-pack: not our ref ${missing}`]]);
  expect(said.packhorse.lines).toEqual(said.git.lines);
});

describe('a pack that cannot be made, though nothing is damaged', () => {
  /** What both say last. */
  async function lastWords(repository: string, ...args: string[]): Promise<string[]> {
    const bytes = encodeAll(v2(...args));
    const git = await runUploadPack(GIT_UPLOAD_PACK, repository, V2, bytes);
    const packhorse = await askPackhorse(repository, V2, bytes);
    return [git, packhorse].map(
      (response) => readAnswers(response.bytes, V2).at(-1)!.bandError.split('\0')[0]!,
    );
  }
  const ABORTED = 'aborting due to possible repository corruption on the remote side.';

  it('says which patterns are not there', async () => {
    git(directory, ['config', 'uploadpack.allowFilter', 'true']);
    const said = await lastWords(directory, `want ${main}`, 'filter sparse:oid=no/such:thing', 'done');
    expect(said).toEqual([ABORTED, "unable to access sparse blob in 'no/such:thing'"]);
  });

  it('says which object is not there', async () => {
    const source = createRepository(temporaryDirectory(), 'missing.git');
    const files = new History();
    const commit = files.commit({ branch: 'main', files: { gone: 'gone\n', here: 'here\n' } });
    files.ref('refs/heads/main', commit);
    files.importInto(source, true);
    const [want, gone] = git(source, ['rev-parse', 'main', 'main:gone']).split('\n');
    fs.rmSync(path.join(source, 'objects', gone.slice(0, 2), gone.slice(2)));
    const said = await lastWords(source, `want ${want}`, 'done');
    expect(said).toEqual([ABORTED, `unable to read ${gone}`]);
  });
});

describe('docs/differences.md', () => {
  const top = path.resolve(import.meta.dirname, '../..');
  const isFile = (name: string) => fs.statSync(path.join(top, name), { throwIfNoEntry: false })?.isFile();
  const text = fs.readFileSync(path.join(top, 'docs/differences.md'), 'utf8');
  const named = [...text.matchAll(/\| `([^`]+)` \|$/gm)].map(([, name]) => name);
  const tests = [path.basename(import.meta.filename), 'pinned.test.ts'];
  const rules = [...Object.keys(RULES), ...Object.keys(OBJECT_RULES)];

  test.each(rules)('has a row for the rule "%s"', (rule) => expect(named).toContain(rule));
  test('names no rule and no test that is none', () => {
    const missing = named.filter((name) => ![...rules, ...tests].includes(name) && !isFile(name));
    expect(missing).toEqual([]);
  });
});
