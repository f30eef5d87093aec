import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wildmatch } from '../../src/wildmatch.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository } from '../support/history.ts';

const directory = temporaryDirectory();

/** Which of the patterns let git include a file, when they stand in conditions on `keyword`. */
function matchedByGit(keyword: string, patterns: readonly string[], config: string, gitDirectory: string) {
  const conditions = patterns.map((pattern, i) => {
    fs.writeFileSync(path.join(directory, `${i}`), `[matched]\nplace = ${i}\n`);
    const quoted = `${keyword}:${pattern}`.replaceAll(/["\\]/g, '\\$&');
    return `[includeIf "${quoted}"]\npath = ${path.join(directory, `${i}`)}\n`;
  });
  fs.writeFileSync(
    path.join(gitDirectory, 'config'),
    `${config}[matched]\nplace = 0\n${conditions.join('')}`,
  );
  const places = git(directory, ['--git-dir', gitDirectory, 'config', '--get-all', 'matched.place']);
  return places.split('\n').slice(1).map(Number);
}

function matchedByUs(patterns: readonly string[], matches: (pattern: string) => boolean): number[] {
  return [...patterns.keys()].filter((i) => matches(patterns[i]));
}

const texts = fc.string({ unit: fc.constantFrom(...'aabBc/-]'), minLength: 1, maxLength: 9 });
const atoms = fc.constantFrom(
  ...['a', 'b', 'B', 'c', '/', '-', '*', '**', '?', '**/', '/**', '/**/', '/*/', '\\*', '\\a', '\\B', '\\/'],
  ...[
    '[ab]',
    '[!a]',
    '[^/]',
    '[a-c]',
    '[B-]',
    '[]-a]',
    '[A-C]',
    '[\\]b]',
    '[a-\\b]',
    '[[:alpha:]]',
    '[[:upper:]]',
  ],
  ...['[[:lower:]-a]', '[[:punct:]]', '[[:x:]]', '[[:]', '[[:]]', '[a', '[', ']', '[a-c-e]', '\\'],
);
const patterns = fc.array(
  fc.array(atoms, { minLength: 1, maxLength: 7 }).map((list) => list.join('')),
  {
    minLength: 1,
    maxLength: 48,
  },
);

describe('patterns match what git lets them match', () => {
  test('any pattern in which stars stop at slashes', () => {
    const repository = createRepository(directory, 'urls.git');
    fc.assert(
      fc.property(texts, patterns, (text, list) => {
        const remote = `[remote "x"]\nurl = "${text}"\n`;
        const expected = matchedByGit('hasconfig:remote.*.url', list, remote, repository);
        expect(matchedByUs(list, (pattern) => wildmatch(pattern, text, { pathname: true }))).toEqual(
          expected,
        );
      }),
      { numRuns: 150 },
    );
  });

  test('any such pattern whatever the case', () => {
    fc.assert(
      fc.property(texts, patterns, (text, list) => {
        const repository = path.join(directory, 'x', text).replace(/\/$/, '');
        for (const name of ['objects', 'refs'])
          fs.mkdirSync(path.join(repository, name), { recursive: true });
        fs.writeFileSync(path.join(repository, 'HEAD'), 'ref: refs/heads/main\n');
        const start = path.join(directory, 'X/');
        const expected = matchedByGit(
          'gitdir/i',
          list.map((pattern) => start + pattern),
          '',
          repository,
        );
        const matches = (pattern: string) => {
          const whole = pattern.endsWith('/') ? `${pattern}**` : pattern;
          return wildmatch(start + whole, repository, { pathname: true, caseless: true });
        };
        expect(matchedByUs(list, matches)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['', []],
    [' whatever the case', ['--ignore-case']],
  ])('any pattern in which stars match slashes%s', (name, flags) => {
    const repository = createRepository(directory, 'tags.git');
    const id = git(repository, ['hash-object', '-w', '-t', 'tree', '--stdin'], { input: '' });
    const names = ['a', 'b', 'B', 'aB', 'A/b', 'c/a/b', 'c/B-/c', 'a]', 'cab/c-]', '-b', 'bb/b/b/a', 'ab]c-'];
    for (const tag of names) git(repository, ['update-ref', `refs/tags/t${tag}`, id]);
    fc.assert(
      fc.property(fc.array(atoms, { maxLength: 6 }), (list) => {
        const pattern = `t${list.join('')}`;
        const listed = git(repository, ['tag', '--list', ...flags, pattern]);
        const options = { caseless: name !== '' };
        const matched = names.map((tag) => `t${tag}`).filter((tag) => wildmatch(pattern, tag, options));
        expect(matched.sort()).toEqual(listed === '' ? [] : listed.split('\n').sort());
      }),
      { numRuns: 300 },
    );
  });
});

test('the time does not grow with every star', () => {
  expect(wildmatch(`${'**/'.repeat(60)}b`, 'a/'.repeat(60), { pathname: true })).toBe(false);
});
