import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RefPrefixes } from '../../src/repository/ref-prefixes.ts';

/** Byte strings from few letters, so that many begin with others. */
const text = (maxLength: number) =>
  fc.array(fc.constantFrom('a', 'b', '/', '\0', '\xff'), { maxLength }).map((letters) => letters.join(''));
const prefixes = fc.array(text(5), { maxLength: 12 });
const isWanted = (list: readonly string[], name: string) =>
  list.length === 0 || list.some((prefix) => name.startsWith(prefix));

describe('ref prefixes', () => {
  test('match what begins with one of them', () => {
    fc.assert(
      fc.property(prefixes, fc.array(text(7), { maxLength: 30 }), (list, names) => {
        const matcher = new RefPrefixes(list);
        for (const name of [...names, ...list]) expect(matcher.matches(name)).toBe(isWanted(list, name));
      }),
      { numRuns: 500 },
    );
  });

  test('may be held by the directories above or below one of them, and by no others', () => {
    fc.assert(
      fc.property(prefixes, text(5), text(5), (list, start, rest) => {
        const matcher = new RefPrefixes(list);
        const directory = `${start}/`;
        const naive = list.some((prefix) => prefix.startsWith(directory) || directory.startsWith(prefix));
        expect(matcher.mayHold(directory)).toBe(list.length === 0 || naive);
        if (isWanted(list, directory + rest)) expect(matcher.mayHold(directory)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test.each([[[]], [['']], [['refs/heads/', '']]])('%j is everything', (list: string[]) => {
    const matcher = new RefPrefixes(list);
    expect(matcher.matches('HEAD')).toBe(true);
    expect(matcher.matches('')).toBe(true);
    expect(matcher.mayHold('refs/')).toBe(true);
  });

  test('the list that is given stays as it is', () => {
    const list = ['b', 'ab', 'a'];
    new RefPrefixes(list);
    expect(list).toEqual(['b', 'ab', 'a']);
  });
});
