/** With a commit-graph or without one, clients get the same. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { initBare } from '../repository/history.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { type GraphStep, graphStep, importSteps, writeGraph } from '../support/graphed.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

const idOf = (directory: string, name: string) => git(directory, ['rev-parse', name]);

async function ask(directory: string, args: readonly string[]): Promise<Buffer> {
  const server = new UploadPackV2(directory);
  const answer = await server.feed(encodeRequest('fetch', args));
  server.close();
  return Buffer.from(answer);
}

/** Lines before the pack. */
function linesFromGit(directory: string, args: readonly string[]): string[] {
  const env = { ...process.env, GIT_PROTOCOL: 'version=2' };
  const input = encodeRequest('fetch', args);
  return parseFetchAnswer(gitBytes(directory, ['upload-pack', '--stateless-rpc', '.'], { env, input })).lines;
}

const picks = (most: number) => fc.array(fc.nat(24), { minLength: 1, maxLength: most });

async function expectSameNegotiation(
  steps: readonly GraphStep[],
  [wanted, had]: readonly (readonly number[])[],
  graphed: number,
  generations: number,
): Promise<void> {
  const directory = temporaryDirectory();
  initBare(directory);
  importSteps(directory, steps.slice(0, graphed));
  writeGraph(directory, [], generations);
  if (graphed < steps.length) importSteps(directory, steps, graphed);
  const ids = (list: readonly number[]) => list.map((n) => idOf(directory, `c${n % steps.length}`));
  const args = [...ids(wanted).map((id) => `want ${id}`), ...ids(had).map((id) => `have ${id}`)];
  const ours = parseFetchAnswer(await ask(directory, ['no-progress', ...args])).lines;
  const theirs = linesFromGit(directory, ['no-progress', ...args]);
  expect(ours.includes('ready')).toBe(theirs.includes('ready'));
  // git 2.39 acknowledges more than later versions do.
  expect(theirs).toEqual(expect.arrayContaining(ours));
}

it.each([
  // Where clocks ran wrong, what git says of several wants depends on which it looks at first.
  ['one want, any clocks', 1, graphStep],
  ['several wants', 3, graphStep.map((step) => ({ ...step, skew: 0 }))],
])('is ready when git is, whatever the graph holds: %s', async (_, wants, step) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 25 }),
      fc.tuple(picks(wants), picks(3)),
      fc.integer({ min: 1, max: 25 }),
      fc.constantFrom(1, 2),
      expectSameNegotiation,
    ),
    { numRuns: 40 },
  );
});

it('is ready when a young want reaches what is common through an old one', async () => {
  const parents = [[], [], [1], [], [], [], [4], [], [], [8], []];
  const steps: GraphStep[] = parents.map((each) => ({ parents: each, skew: 0 }));
  // c6 comes to c2, which is older than c3; that c2 is wanted itself, and reaches c1, is to be known by then.
  await expectSameNegotiation(
    steps,
    [
      [6, 2, 1],
      [9, 3],
    ],
    1,
    1,
  );
});

it('is ready when wants share the way to what is common', async () => {
  const line: GraphStep[] = Array.from({ length: 10 }, (_, i) => ({ parents: i === 0 ? [] : [1], skew: 0 }));
  const directory = temporaryDirectory();
  initBare(directory);
  importSteps(directory, line);
  writeGraph(directory);
  const [first, second, common] = ['c8', 'c9', 'c2'].map((name) => idOf(directory, name));
  const args = ['no-progress', `want ${first}`, `want ${second}`, `have ${common}`];
  expect(parseFetchAnswer(await ask(directory, args)).lines).toEqual(linesFromGit(directory, args));
  expect(linesFromGit(directory, args)).toContain('ready');
});

it('gives the same bytes with any graph, none, or a damaged one', async () => {
  const steps: GraphStep[] = Array.from({ length: 40 }, (_, i) => ({
    parents: i === 0 || i === 13 ? [] : i % 5 === 0 ? [1, 3, 4] : [1],
    skew: 0,
  }));
  const directory = temporaryDirectory();
  initBare(directory);
  importSteps(directory, steps);
  git(directory, ['repack', '-q', '-ad']);
  git(directory, ['tag', '-a', '-m', 'a tag', 'annotated', 'c30']);
  const want = (name: string) => `want ${idOf(directory, name)}`;
  const have = (name: string) => `have ${idOf(directory, name)}`;
  const requests = [
    [want('c39'), want('annotated'), 'done'],
    [want('c39'), have('c35'), 'thin-pack', 'ofs-delta', 'done'],
    [want('c39'), have('c36'), have('annotated')],
    [want('c39'), 'deepen 3', 'done'],
    [want('c39'), 'deepen-not c30', 'done'],
    [want('c39'), 'deepen-since 1700000300', 'done'],
    [want('c39'), have('c37'), `shallow ${idOf(directory, 'c37')}`, 'done'],
    [want('c39'), have('c37'), `shallow ${idOf(directory, 'c37')}`, 'deepen 2147483647', 'done'],
  ].map((args) => ['no-progress', ...args]);
  const answers = async () => {
    const all: string[] = [];
    for (const args of requests) all.push((await ask(directory, args)).toString('latin1'));
    return all;
  };
  const file = path.join(directory, 'objects/info/commit-graph');

  const without = await answers();
  expect(without.every((answer) => answer.includes('PACK'))).toBe(true);
  for (const generations of [1, 2]) {
    writeGraph(directory, [], generations);
    expect(await answers()).toEqual(without);
    fs.rmSync(file);
  }
  writeGraph(directory);
  const data = fs.readFileSync(file);
  data[data.length >> 1] ^= 1;
  fs.rmSync(file);
  fs.writeFileSync(file, data);
  expect(await answers()).toEqual(without);
  fs.rmSync(file);
  writeGraph(directory, ['--split']);
  expect(await answers()).toEqual(without);
});
