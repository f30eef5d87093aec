/** Files of static tokens, and how a token is looked up in them. */
import { describe, expect, test } from 'vitest';
import { type NamedToken, nameOf, newToken, parseTokens } from '../../src/front/auth/token-file.ts';

const HASH = `sha256:${'0'.repeat(64)}`;

test('names and hashes, with comments and space as one likes', () => {
  const { token, line } = newToken('ci');
  const tokens = parseTokens(`# ours\n\n  ${line.replace(' ', '\t ')} \r\nother ${HASH}`);
  expect(tokens.map(({ name }) => name)).toEqual(['ci', 'other']);
  expect(nameOf(token, tokens)).toBe('ci');
  expect(nameOf(`${token}x`, tokens)).toBeUndefined();
  expect(nameOf('', tokens)).toBeUndefined();
});

test.each([
  ['ci', 1],
  [`\nci ${HASH}0`, 2],
  [`ci ${HASH.toUpperCase()}`, 1],
  [`c i ${HASH}`, 1],
  [`ci md5:${'0'.repeat(32)}`, 1],
  [`ci ${HASH}\n# x\nci ${HASH}`, 3],
])('%j is refused for its line %i', (text, line) => {
  expect(() => parseTokens(text)).toThrow(`line ${line} `);
});

test('no two tokens are the same', () => {
  const made = Array.from({ length: 100 }, () => newToken('x').token);
  expect(new Set(made).size).toBe(100);
});

describe('every hash is compared, whichever fits, so that time does not tell which', () => {
  const made = ['first', 'middle', 'last'].map((name) => ({ name, ...newToken(name) }));
  const known = parseTokens(made.map(({ line }) => line).join('\n'));

  test.each([...made, { name: undefined, token: 'no one’s' }])('$name', ({ name, token }) => {
    const compared: string[] = [];
    const watched = known.map((entry): NamedToken => {
      return {
        name: entry.name,
        get digest() {
          compared.push(entry.name);
          return entry.digest;
        },
      };
    });
    expect(nameOf(token, watched)).toBe(name);
    expect(compared).toEqual(['first', 'middle', 'last']);
  });
});
