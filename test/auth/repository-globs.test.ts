/** Which repositories a signed token is for. */
import { expect, test } from 'vitest';
import { isCovered } from '../../src/front/auth/jwt/repository-globs.ts';

test.each([
  ['group/one', 'group/one', true],
  ['/group/one.git', 'group/one', true],
  ['group/one', 'group/one.git', true],
  ['group/one', 'group/one/.git', true],
  ['group/one', 'group/one.git/.git', true],
  ['group/*', 'group/one', true],
  ['group/*', 'group', false],
  ['group/*', 'group/sub/one', false],
  ['group/**', 'group/sub/one', true],
  ['group/**', 'group', false],
  ['**', 'any/thing', true],
  ['*', 'any/thing', false],
  ['**/one', 'a/b/one.git', true],
  ['group/o?e', 'group/one', true],
  ['group/[a-n]*', 'group/one', false],
  ['grün/*', 'grün/ß', true],
  ['gr?n/*', 'gruen/x', false],
  ['group/one', 'Group/One', false],
  ['group/one', 'group/one.git.git', false],
  ['group/one', 'group/one2', false],
  ['group/one', 'group/on', false],
  ['', 'group/one', false],
  ['', '.git', false],
  // A repository is not in itself.
  ['group/*', 'group/.git', false],
  ['group/**', 'group/one/.git/modules/sub', false],
  ['group/**', 'group/one.git/worktrees/x', false],
  ['group/**', 'group/one.GIT/modules/x', false],
  ['group/*', 'group/.GIT', false],
  ['*'.repeat(2000), 'group', false],
])('%j for %j: %j', (glob, repository, expected) => {
  expect(isCovered(repository, [glob])).toBe(expected);
  expect(isCovered(repository, ['nothing', glob])).toBe(expected);
});

test('no glob covers nothing', () => {
  expect(isCovered('group/one', [])).toBe(false);
});
