/** Where a repository is found: as git does, and never outside of what may be read. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findGitDirectory } from '../../src/repository/git-directory.ts';
import { askGit, askPackhorse } from '../support/ask-git.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { encodeRequest } from '../support/requests.ts';

/** The branch that HEAD names tells one repository from another. */
const WHICH = encodeRequest('ls-refs', ['symrefs', 'unborn']);
const ERROR = 'nothing';

/** The least that is a repository. */
function makeRepository(directory: string, name: string): void {
  for (const part of ['objects', 'refs']) fs.mkdirSync(path.join(directory, part), { recursive: true });
  fs.writeFileSync(path.join(directory, 'HEAD'), `ref: refs/heads/${name}\n`);
}

function whichByGit(directory: string, strict: boolean): string {
  try {
    return askGit(directory, WHICH, strict ? ['--strict'] : []);
  } catch {
    return ERROR;
  }
}

async function whichByUs(directory: string, strict: boolean): Promise<string> {
  const answer = await askPackhorse(directory, WHICH, { strict });
  return answer.startsWith('ERR ', 4) ? ERROR : answer;
}

async function expectAsGit(directory: string): Promise<string> {
  for (const strict of [true, false]) {
    expect(await whichByUs(directory, strict)).toBe(whichByGit(directory, strict));
  }
  return whichByGit(directory, false);
}

/** What may lie at one of the places where a repository is looked for. */
const KINDS = ['nothing', 'repository', 'directory', 'gitfile', 'gitfile to nothing', 'text'] as const;

function put(place: string, kind: (typeof KINDS)[number], name: string): void {
  if (kind === 'nothing') return;
  if (kind === 'repository') makeRepository(place, name);
  else if (kind === 'directory') fs.mkdirSync(place, { recursive: true });
  else {
    fs.mkdirSync(path.dirname(place), { recursive: true });
    if (kind === 'gitfile') makeRepository(`${place}-real`, name);
    const target = kind === 'gitfile' ? `${path.basename(place)}-real` : 'nowhere';
    fs.writeFileSync(place, kind === 'text' ? 'some text\n' : `gitdir: ${target}\n`);
  }
}

describe('a repository is found where git finds it', () => {
  test('among all that may lie at the four places', async () => {
    const kind = fc.constantFrom(...KINDS);
    let runs = 0;
    const root = temporaryDirectory();
    await fc.assert(
      fc.asyncProperty(kind, kind, kind, kind, async (inner, outer, otherInner, otherOuter) => {
        const directory = path.join(root, `${++runs}`, 'x');
        fs.mkdirSync(path.dirname(directory));
        for (const [at, own, below] of [
          [directory, outer, inner],
          [`${directory}.git`, otherOuter, otherInner],
        ] as const) {
          put(at, own, `at${path.extname(at)}`);
          if (!fs.statSync(at, { throwIfNoEntry: false })?.isFile()) {
            put(path.join(at, '.git'), below, `below${path.extname(at)}`);
          }
        }
        await expectAsGit(directory);
      }),
      { numRuns: 60 },
    );
  });

  test.each<[string, string]>([
    ['a relative path', 'gitdir: ../real'],
    ['line ends of any kind', 'gitdir: ../real\r\n\n\r'],
    ['blanks at the end, which count', 'gitdir: ../real \n'],
    ['two blanks before it, of which one counts', 'gitdir:  ../real\n'],
    ['no blank', 'gitdir:../real\n'],
    ['no path', 'gitdir: \n'],
    ['a zero byte, which ends it', 'gitdir: ../real\0more\n'],
    ['a link on the way', 'gitdir: link/../../real'],
    ['another gitfile', 'gitdir: ../second\n'],
    ['something before it', ' gitdir: ../real\n'],
    ['a mebibyte', `gitdir: ../real${'\n'.repeat(2 ** 20 - 15)}`],
    ['a mebibyte and one byte', `gitdir: ../real${'\n'.repeat(2 ** 20 - 14)}`],
  ])('by a file with %s', async (_, text) => {
    const root = temporaryDirectory();
    makeRepository(path.join(root, 'real'), 'main');
    fs.mkdirSync(path.join(root, 'deep/er'), { recursive: true });
    makeRepository(path.join(root, 'deep/real'), 'deep');
    fs.mkdirSync(path.join(root, 'work'));
    fs.symlinkSync('../deep/er', path.join(root, 'work/link'));
    fs.writeFileSync(path.join(root, 'second'), 'gitdir: real\n');
    fs.writeFileSync(path.join(root, 'work/.git'), text);
    await expectAsGit(path.join(root, 'work'));
    await expectAsGit(path.join(root, 'work/.git'));
  });

  test('by a file with an absolute path, and one that is linked to', async () => {
    const root = temporaryDirectory();
    makeRepository(path.join(root, 'real'), 'main');
    fs.writeFileSync(path.join(root, 'absolute'), `gitdir: ${root}/real\n`);
    fs.writeFileSync(path.join(root, 'relative'), 'gitdir: real\n');
    fs.mkdirSync(path.join(root, 'below'));
    fs.symlinkSync('../relative', path.join(root, 'below/linked'));
    expect(await expectAsGit(path.join(root, 'absolute'))).toContain('refs/heads/main');
    // What it says is relative to where the link is.
    expect(await expectAsGit(path.join(root, 'below/linked'))).toBe(ERROR);
  });

  test.each([
    ['of a branch', 'ref: refs/heads/main\n', true],
    ['without a blank', 'ref:refs/heads/main', true],
    ['of an id', `${'1'.repeat(40)}\n`, true],
    ['in capitals', 'REF: refs/heads/main\n', false],
    ['of no ref', 'ref: heads/main\n', false],
    ['of nothing', '', false],
    ['of too short an id', `${'1'.repeat(39)}\n`, false],
  ])('with a HEAD %s', async (_, head, found) => {
    const directory = temporaryDirectory();
    makeRepository(directory, 'main');
    fs.writeFileSync(path.join(directory, 'HEAD'), head);
    expect((await expectAsGit(directory)) !== ERROR).toBe(found);
  });

  test.each(['HEAD', 'objects', 'refs'])('not without %s', async (part) => {
    const directory = temporaryDirectory();
    makeRepository(directory, 'main');
    fs.rmSync(path.join(directory, part), { recursive: true });
    expect(await expectAsGit(directory)).toBe(ERROR);
  });

  test.each<[string, string, boolean]>([
    ['a relative path', '../common', true],
    ['line ends', '../common\r\n\n', true],
    ['an empty line', '\n', false],
    ['nothing', '', false],
    ['a place where nothing is', '../nowhere\n', false],
  ])('with a commondir of %s', async (_, text, found) => {
    const root = temporaryDirectory();
    makeRepository(path.join(root, 'common'), 'main');
    fs.mkdirSync(path.join(root, 'own'));
    fs.writeFileSync(path.join(root, 'own/HEAD'), 'ref: refs/heads/own\n');
    fs.writeFileSync(path.join(root, 'own/commondir'), text);
    expect(await expectAsGit(path.join(root, 'own'))).toEqual(
      found ? expect.stringContaining('refs/heads/own') : ERROR,
    );
  });
});

describe('nothing outside of what may be read', () => {
  /** A repository outside, and a root in which alone may be read; what was asked for, too. */
  function makeRoot() {
    const root = temporaryDirectory();
    const outside = path.join(temporaryDirectory(), 'outside');
    makeRepository(outside, 'secret');
    const find = (name: string, ...more: string[]) => {
      const roots = [root, ...more];
      const allowed = (real: string) => roots.some((at) => real === at || real.startsWith(`${at}/`));
      return findGitDirectory(path.join(root, name), { allowed });
    };
    return { root, outside, find };
  }

  test('by a gitfile', () => {
    const { root, outside, find } = makeRoot();
    fs.writeFileSync(path.join(root, 'a.git'), `gitdir: ${outside}\n`);
    expect(find('a')).toBeUndefined();
    expect(find('a', outside)?.gitDirectory).toBe(outside);
  });

  test('by a gitfile to a worktree outside, whose repository is inside', () => {
    const { root, outside, find } = makeRoot();
    makeRepository(path.join(root, 'common'), 'main');
    fs.writeFileSync(path.join(outside, 'commondir'), `${root}/common\n`);
    fs.writeFileSync(path.join(root, 'a.git'), `gitdir: ${outside}\n`);
    expect(find('a')).toBeUndefined();
    expect(find('a', outside)?.commonDirectory).toBe(path.join(root, 'common'));
  });

  test('by a gitfile that is a link to one outside, which is not even read', () => {
    const { root, outside, find } = makeRoot();
    makeRepository(path.join(root, 'real'), 'main');
    fs.writeFileSync(path.join(outside, 'gitfile'), `gitdir: ${root}/real\n`);
    fs.symlinkSync(path.join(outside, 'gitfile'), path.join(root, 'a.git'));
    expect(find('a')).toBeUndefined();
    expect(find('a', outside)?.gitDirectory).toBe(path.join(root, 'real'));
  });

  test('by a commondir', () => {
    const { root, outside, find } = makeRoot();
    makeRepository(path.join(root, 'a'), 'main');
    fs.writeFileSync(path.join(root, 'a/commondir'), `${outside}\n`);
    expect(find('a')).toBeUndefined();
    expect(find('a', outside)?.commonDirectory).toBe(outside);
  });

  test('by a commondir that is a link', () => {
    const { root, outside, find } = makeRoot();
    makeRepository(path.join(root, 'a'), 'main');
    fs.writeFileSync(path.join(outside, 'text'), '../a\n');
    fs.symlinkSync(path.join(outside, 'text'), path.join(root, 'a/commondir'));
    expect(find('a')).toBeUndefined();
    expect(find('a', outside)?.commonDirectory).toBe(path.join(root, 'a'));
  });

  test.each(['objects', 'refs', 'packed-refs', 'config', 'shallow'])(
    'by a link in what worktrees have in common: %s',
    (part) => {
      const { root, outside, find } = makeRoot();
      makeRepository(path.join(root, 'common'), 'main');
      fs.mkdirSync(path.join(root, 'a'));
      fs.writeFileSync(path.join(root, 'a/HEAD'), 'ref: refs/heads/a\n');
      fs.writeFileSync(path.join(root, 'a/commondir'), '../common\n');
      expect(find('a')?.commonDirectory).toBe(path.join(root, 'common'));
      if (!fs.existsSync(path.join(outside, part))) fs.writeFileSync(path.join(outside, part), '');
      fs.rmSync(path.join(root, 'common', part), { recursive: true, force: true });
      fs.symlinkSync(path.join(outside, part), path.join(root, 'common', part));
      expect(find('a')).toBeUndefined();
      expect(find('a', outside)?.commonDirectory).toBe(path.join(root, 'common'));
    },
  );

  test.each(['refs', 'refs/bisect', 'refs/worktree', 'refs/rewritten'])(
    'by a link in what is a worktree’s own: %s',
    (part) => {
      const { root, outside, find } = makeRoot();
      makeRepository(path.join(root, 'common'), 'main');
      const own = path.join(root, 'a');
      fs.mkdirSync(path.join(own, path.dirname(part)), { recursive: true });
      fs.writeFileSync(path.join(own, 'HEAD'), 'ref: refs/heads/a\n');
      fs.writeFileSync(path.join(own, 'commondir'), '../common\n');
      fs.symlinkSync(path.join(outside, 'refs'), path.join(own, part));
      expect(find('a')).toBeUndefined();
      expect(find('a', outside)?.gitDirectory).toBe(own);
    },
  );
});
