/** How long it takes to look for a token says nothing of where in the file it stands, nor whether it does. */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, expect, test, vi } from 'vitest';
import { nameOf, newToken, parseTokens } from '../../src/front/auth/token-file.ts';

const compare = vi.spyOn(crypto, 'timingSafeEqual');
// So that what imports it by its name is counted too.
syncBuiltinESMExports();
afterAll(() => {
  compare.mockRestore();
  syncBuiltinESMExports();
});

const NAMES = ['first', 'second', 'third', 'last'];
const made = NAMES.map((name) => newToken(name));
const known = parseTokens(made.map(({ line }) => line).join('\n'));

test.each([
  ['the first line', made[0].token, 'first'],
  ['the last line', made[3].token, 'last'],
  ['no line', 'ph_wrong', undefined],
])('a token of %s is compared with every line, by digests of one length', (_, token, name) => {
  compare.mockClear();
  expect(nameOf(token, known)).toBe(name);
  const lengths = compare.mock.calls.map((digests) => digests.map(({ byteLength }) => byteLength));
  expect(lengths).toEqual(NAMES.map(() => [32, 32]));
});
