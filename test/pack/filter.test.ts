/** Filters as clients write them: what git takes is taken, and what it refuses is refused in its words. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Filter, parseFilter } from '../../src/pack/filter.ts';
import { BLOB } from '../../src/repository/object-format.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository } from '../support/history.ts';

const empty = createRepository(temporaryDirectory(), 'empty.git');

/** What git says of a filter; empty when it takes it, be it that it does not find the patterns then. */
function gitSays(spec: string): string {
  try {
    git(empty, ['rev-list', '--objects', `--filter=${spec}`, '--all']);
    return '';
  } catch (error) {
    const [, words] = /^fatal: (.*)\n$/.exec(String((error as { stderr: Buffer }).stderr)) ?? [];
    return words.startsWith('unable to access sparse blob') ? '' : words;
  }
}

/** Versions of git before 2.54 know no empty parts. */
const hasEmptyParts = (spec: string) => /:\+|\+\+|\+$/.test(spec.replaceAll('%2b', '+'));

function weSay(spec: string): string {
  try {
    parseFilter(spec);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

const none: Filter = { kind: 'blob:none' };
const tree = (depth: number): Filter => ({ kind: 'tree', depth });
const limit = (bytes: number): Filter => ({ kind: 'blob:limit', bytes });
const sparse = (blob: string): Filter => ({ kind: 'sparse:oid', blob });

it.each<[string, unknown]>([
  ['blob:none', none],
  ['blob:limit=0x10k', limit(16 * 1024)],
  ['blob:limit=18446744073709551615', limit(2 ** 64)],
  ['tree:0', tree(0)],
  ['tree:017', tree(15)],
  ['tree:1k', tree(1024)],
  ['sparse:oid=main:a b+c%2b', sparse('main:a b+c%2b')],
  ['sparse:oid=', sparse('')],
  ['object:type=blob', { kind: 'object:type', type: BLOB }],
  ['combine:blob:none+tree:1', { kind: 'combine', parts: [none, tree(1)] }],
  ['combine:tree%3a1', { kind: 'combine', parts: [tree(1)] }],
  ['combine:+tree:1++blob:none+', { kind: 'combine', parts: [tree(1), none] }],
  ['combine:+', { kind: 'combine', parts: [] }],
  ['combine:sparse:oid=a%2bb%2525%+tree:2', { kind: 'combine', parts: [sparse('a+b%25%'), tree(2)] }],
  [
    'combine:tree:1+combine:tree%3a2%2Bcombine:blob%253anone+tree:3',
    { kind: 'combine', parts: [tree(1), tree(2), none, tree(3)] },
  ],
  ['combine:sparse:oid=%e9%00', { kind: 'combine', parts: [sparse('\xe9%00')] }],
])('reads %s', (spec, filter) => {
  expect(parseFilter(spec)).toEqual(filter);
  if (!hasEmptyParts(spec)) expect(gitSays(spec)).toBe('');
});

it.each([
  ['blob:some', "invalid filter-spec 'blob:some'"],
  ['blob:limit=', "invalid filter-spec 'blob:limit='"],
  ['blob:limit=1x', "invalid filter-spec 'blob:limit=1x'"],
  ['blob:limit=-1', "invalid filter-spec 'blob:limit=-1'"],
  ['blob:limit=18446744073709551616', "invalid filter-spec 'blob:limit=18446744073709551616'"],
  ['', "invalid filter-spec ''"],
  ['tree:', "expected 'tree:<depth>'"],
  ['tree:x', "expected 'tree:<depth>'"],
  ['tree:-1', "expected 'tree:<depth>'"],
  ['sparse:path=x', 'sparse:path filters support has been dropped'],
  ['sparse:oid', "invalid filter-spec 'sparse:oid'"],
  ['object:type=thing', "'thing' for 'object:type=<type>' is not a valid object type"],
  ['object:type=', "'' for 'object:type=<type>' is not a valid object type"],
  ['combine:', 'expected something after combine:'],
  ['combine%3Atree:2+blob:none', "invalid filter-spec 'combine%3Atree:2+blob:none'"],
  ['combine:tree:asdf+blob:none', "expected 'tree:<depth>'"],
  ['combine:tree:2+combine:', 'expected something after combine:'],
  ['combine:tree:2+sparse:@xyz', "must escape char in sub-filter-spec: '@'"],
  ['combine:tree:2+sparse:`', "must escape char in sub-filter-spec: '`'"],
  ['combine:tree:2+sparse:~abc', "must escape char in sub-filter-spec: '~'"],
  ['combine:tree: 2', "must escape char in sub-filter-spec: ' '"],
  ['combine:combine:tree:2%40', "must escape char in sub-filter-spec: '@'"],
])('refuses %s', (spec, words) => {
  expect(weSay(spec)).toBe(words);
  expect(gitSays(spec)).toBe(words);
});

it('refuses what older versions of git took or did not know', () => {
  expect(weSay('auto')).toBe("'auto' filter not supported by this command");
  expect(weSay('combine:auto')).toBe("'auto' filter not supported by this command");
  // A byte above 127 is negative to git's compiler, and so not above a blank. Alone it is no text.
  expect(weSay('combine:sparse:oid=\xe9')).toBe("must escape char in sub-filter-spec: '\ufffd'");
});

it('takes combinations in combinations, but not without end', () => {
  const nested = (times: number) => `${'combine:'.repeat(times)}tree:7`;
  expect(parseFilter(nested(100))).toEqual({ kind: 'combine', parts: [tree(7)] });
  expect(weSay(nested(8000))).toMatch(/^invalid filter-spec 'combine:/);
});

it('takes and refuses what git does', () => {
  const words = ['combine:', 'tree:', 'blob:none', 'blob:limit=', 'sparse:oid=', 'object:type=', 'tree', 'x'];
  const signs = ['+', '%', '%2b', '%3A', '%25', '%4', '%00', '@', '~', '\\', '"', ':', '/', '_', ' '];
  const numbers = ['0', '1', '08', '0x', '0xf', '12k', '3G', '-', '-0', '+2', '9999999999999999999999'];
  const part = fc.constantFrom(...words, ...words, ...signs, ...numbers);
  const specs = fc
    .tuple(fc.constantFrom('', 'combine:', 'tree:', 'blob:limit='), fc.array(part, { maxLength: 6 }))
    .map(([start, parts]) => start + parts.join(''))
    .filter((spec) => !hasEmptyParts(spec));
  fc.assert(
    fc.property(specs, (spec) => {
      // git prints a question mark where it would print a control character.
      expect([spec, weSay(spec).replace(/[^ -~]/g, '?')]).toEqual([
        spec,
        gitSays(spec).replace(/[^ -~]/g, '?'),
      ]);
    }),
    { numRuns: 150 },
  );
});
