import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { GitConfig, parseConfig } from '../../src/repository/config.ts';
import { hiddenRefs } from '../../src/repository/hidden-refs.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { initBare, makeHistory } from './history.ts';
import { listRefs, openRefs } from './list-refs.ts';

const directory = temporaryDirectory();
let base: string;

beforeAll(() => {
  initBare(directory);
  makeHistory(directory, { commits: 1, files: 1 });
  for (const name of [
    'heads/a',
    'heads/ab',
    'heads/b/c',
    'heads/ä',
    'tags/v1',
    'pull/1/head',
    'pull/10/head',
    'x/y',
  ]) {
    git(directory, ['update-ref', `refs/${name}`, 'main']);
  }
  base = fs.readFileSync(path.join(directory, 'config'), 'utf8');
});

/** The names that `git upload-pack` gives out with this configuration added. */
function shownByGit(config: string): string[] {
  fs.writeFileSync(path.join(directory, 'config'), `${base}${config}`);
  const lines = git(directory, ['ls-remote', directory]).split('\n');
  return lines.filter((line) => line !== '').map((line) => line.split('\t')[1]);
}

async function shownByUs(config: string): Promise<string[]> {
  const text = Buffer.from(`${base}${config}`).toString('latin1');
  const isHidden = hiddenRefs(new GitConfig(parseConfig(text)));
  const names = ['HEAD', ...(await listRefs(openRefs(directory))).map(({ name }) => name)];
  return names.filter((name) => !isHidden(name)).map((name) => Buffer.from(name, 'latin1').toString('utf8'));
}

describe('hideRefs', () => {
  test.each([
    ['nothing', ''],
    ['a subtree', '[transfer]\nhideRefs = refs/pull\n'],
    ['a subtree with a slash', '[transfer]\nhideRefs = refs/pull/\n'],
    ['one ref', '[uploadpack]\nhideRefs = refs/heads/a\n'],
    ['part of a name', '[uploadpack]\nhideRefs = refs/pull/1\n'],
    ['everything', '[transfer]\nhideRefs = refs\n'],
    ['HEAD', '[transfer]\nhideRefs = HEAD\n'],
    ['a pattern, which it is not', '[transfer]\nhideRefs = refs/heads/*\n'],
    ['a subtree but for one ref', '[transfer]\nhideRefs = refs/heads\nhideRefs = !refs/heads/a\n'],
    ['the other way round', '[transfer]\nhideRefs = !refs/heads/a\nhideRefs = refs/heads\n'],
    ['two sections in order', '[uploadpack]\nhideRefs = !refs/x\n[transfer]\nhideRefs = refs/x\n'],
    ['two sections in the other order', '[transfer]\nhideRefs = refs/x\n[uploadpack]\nhideRefs = !refs/x\n'],
    ['full names', '[transfer]\nhideRefs = ^refs/heads\nhideRefs = !^refs/heads/b\n'],
    ['another order of the signs', '[transfer]\nhideRefs = ^!refs/heads\n'],
    ['letters beyond ASCII', '[transfer]\nhideRefs = refs/heads/ä\n'],
    ['what pushing hides', '[receive]\nhideRefs = refs/heads\n'],
    ['a section in capitals', '[TRANSFER]\nHIDEREFS = refs/heads\n'],
    ['nothing, said with nothing', '[transfer]\nhideRefs = \n'],
    ['slashes only', '[transfer]\nhideRefs = refs//\nhideRefs = /\n'],
    ['a leading slash', '[transfer]\nhideRefs = /refs/heads\n'],
  ])('%s', async (_, config) => {
    expect(await shownByUs(config)).toEqual(shownByGit(config));
  });

  test('any rules in any order', async () => {
    const sign = fc.constantFrom('', '', '!', '^', '!^');
    const name = fc.constantFrom(
      'refs',
      'refs/heads',
      'refs/heads/a',
      'refs/heads/b',
      'refs/pull/1',
      'refs/tags/',
      'HEAD',
    );
    const rule = fc.tuple(fc.constantFrom('transfer', 'uploadpack'), sign, name);
    await fc.assert(
      fc.asyncProperty(fc.array(rule, { maxLength: 6 }), async (rules) => {
        const config = rules
          .map(([section, mark, ref]) => `[${section}]\nhideRefs = ${mark}${ref}\n`)
          .join('');
        expect(await shownByUs(config)).toEqual(shownByGit(config));
      }),
      { numRuns: 80 },
    );
  });
});
