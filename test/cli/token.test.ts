/** `packhorse token new`: makes a token, shows it once, and keeps its hash. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseTokens } from '../../src/front/auth/token-file.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { runPackhorse } from './run-packhorse.ts';

const NAMES = ['ci', 'ann@example.com', 'a.b_c-1'];

test('a token is printed, and its name and hash are in a file that only its owner may read', async () => {
  const file = path.join(temporaryDirectory(), 'tokens');
  const tokens: string[] = [];
  for (const name of NAMES) {
    const { code, stdout, stderr } = await runPackhorse(['token', 'new', name, '--token-file', file]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^ph_[\w-]{43}\n$/) });
    expect(stderr).toContain(file);
    tokens.push(stdout.trim());
  }
  const hashes = tokens.map((token) => createHash('sha256').update(token).digest('hex'));
  expect(fs.readFileSync(file, 'utf8')).toBe(
    NAMES.map((name, i) => `${name} sha256:${hashes[i]}\n`).join(''),
  );
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
});

test('a file is gone on with, and the variable says which', async () => {
  const file = path.join(temporaryDirectory(), 'tokens');
  fs.writeFileSync(file, '# of the forge');
  const environment = { PACKHORSE_TOKEN_FILE: file };
  expect(await runPackhorse(['token', 'new', 'ci'], { environment })).toMatchObject({ code: 0 });
  expect(fs.readFileSync(file, 'utf8')).toMatch(/^# of the forge\nci sha256:[0-9a-f]{64}\n$/);
});

test('those that are made at once are all there, and no name twice', async () => {
  const file = path.join(temporaryDirectory(), 'tokens');
  // It takes a while to read.
  fs.writeFileSync(file, '# of the forge\n'.repeat(400_000).trimEnd());
  const names = Array.from({ length: 12 }, (_, i) => (i < 6 ? 'same' : `other-${i}`));
  const made = await Promise.all(
    names.map((name) => runPackhorse(['token', 'new', name, '--token-file', file])),
  );
  const [same, others] = [made.slice(0, 6), made.slice(6)];
  expect(same.map(({ code }) => code).sort()).toEqual([0, 1, 1, 1, 1, 1]);
  expect(others.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0]);
  const hashes = made.flatMap(({ code, stdout }) =>
    code === 0 ? createHash('sha256').update(stdout.trim()).digest('hex') : [],
  );
  const known = parseTokens(fs.readFileSync(file, 'utf8'));
  expect(known.map(({ digest }) => digest.toString('hex')).sort()).toEqual(hashes.sort());
  expect(fs.readdirSync(path.dirname(file))).toEqual(['tokens']);
});

test('a file that someone else holds is left alone, and it is said how to go on', async () => {
  const file = path.join(temporaryDirectory(), 'tokens');
  fs.writeFileSync(`${file}.lock`, '');
  const { code, stdout, stderr } = await runPackhorse(['token', 'new', 'ci', '--token-file', file]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(`packhorse: ${file} is being changed; if it is not, remove ${file}.lock\n`);
  expect(fs.existsSync(file)).toBe(false);
});

test('its help says what of it is in the file', async () => {
  const { stdout } = await runPackhorse(['token', '--help']);
  expect(stdout).toMatch(/names stand in clear[\s\S]*Of tokens it has only hashes/);
});

test.each([
  [2, ['new', 'ci'], 'say where its hash goes'],
  [2, ['new', '--token-file', 'F'], 'say one name'],
  [2, ['new', 'a', 'b', '--token-file', 'F'], 'say one name'],
  [2, ['new', 'a b', '--token-file', 'F'], 'no name for a token'],
  [2, ['new', 'x'.repeat(65), '--token-file', 'F'], 'no name for a token'],
  [2, ['old'], 'say token new'],
  [1, ['new', 'known', '--token-file', 'known'], 'has a token known already'],
  [1, ['new', 'ci', '--token-file', 'broken'], 'line 2 is not a name and a hash'],
  [1, ['new', 'ci', '--token-file', '.'], 'EISDIR'],
])('exit %i for token %j, and nothing is written', async (exit, args, why) => {
  const cwd = temporaryDirectory();
  fs.writeFileSync(path.join(cwd, 'known'), `known sha256:${'0'.repeat(64)}\n`);
  fs.writeFileSync(path.join(cwd, 'broken'), '\nci secret\n');
  const { code, stdout, stderr } = await runPackhorse(['token', ...args], { cwd });
  expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
  expect(stderr).toMatch(/^packhorse: [^\n]*\n$/);
  expect(stderr).toContain(why);
  expect(stderr).not.toContain('secret');
  expect(fs.readdirSync(cwd).sort()).toEqual(['broken', 'known']);
});
