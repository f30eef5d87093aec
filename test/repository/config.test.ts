import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PackhorseError } from '../../src/errors.ts';
import { type ConfigEntry, GitConfig, parseConfig } from '../../src/repository/config.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git, gitBytes } from '../support/git.ts';
import { createRepository } from '../support/history.ts';

const directory = temporaryDirectory();
const file = path.join(directory, 'config');

/** What git reads from a file, or undefined where it refuses it. */
function readByGit(text: string): ConfigEntry[] | undefined {
  fs.writeFileSync(file, text);
  try {
    const rows = gitBytes(directory, ['config', '--list', '-z', '-f', file]).toString('latin1').split('\0');
    return rows.slice(0, -1).map((row) => {
      const end = row.indexOf('\n');
      return { key: end < 0 ? row : row.slice(0, end), value: end < 0 ? undefined : row.slice(end + 1) };
    });
  } catch {
    return undefined;
  }
}

/** Entries by key and value; git lists no more. */
function parse(text: string, name?: string): ConfigEntry[] {
  return parseConfig(bytes(text), name).map(({ key, value }) => ({ key, value }));
}

/** Text as the bytes of a file. */
const bytes = (text: string) => Buffer.from(text).toString('latin1');

function readByUs(text: string): ConfigEntry[] | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof PackhorseError && error.code === 'PACKHORSE_REPOSITORY_UNSUPPORTED')
      return undefined;
    throw error;
  }
}

const FILES: Readonly<Record<string, string>> = {
  empty: '',
  'only comments': '# one\n; two\n\n',
  'a usual file': '[core]\n\tbare = true\n[remote "origin"]\n\turl = https://example.com/a.git\n',
  'several values of a key': '[a]\nb = 1\nb = 2\n[a]\nb = 3\n',
  'upper case in section and key': '[CORE]\nBare = True\n[Remote "OriGin"]\nURL = X\n',
  'a subsection with dots, quotes and backslashes': '[a "b.c \\"d\\" \\\\ \\e"]\nk = v\n',
  'an empty subsection': '[a ""]\nk = v\n',
  'a subsection with brackets and comment signs': '[a "]#;["]\nk = v\n',
  'a subsection after several blanks': '[a \t "b"]\nk = v\n',
  'the old form of a subsection': '[a.B.c]\nk = v\n',
  'a key on the line of its section': '[a] k = v\n[b "c"]l = w',
  'a key without a value': '[a]\nb\nc \nd\t\n',
  'a key without a value at the end of the file': '[a]\nb',
  'an empty value': '[a]\nb =\nc = \nd = ""\n',
  'blanks around a value': '[a]\nb = \t x y  z \t \n',
  'quotes that keep blanks': '[a]\nb = "  x  "\nc = x" y "z\nd = "a"  \n',
  'quotes around comment signs': '[a]\nb = "x # y ; z" # comment\n',
  'comments behind values': '[a]\nb = x # y\nc = x;y\nd = x#y\ne = # nothing\n',
  'quotes and backslashes in a comment': '[a]\nb = x # " \\\nc = d\n',
  escapes: '[a]\nb = "\\t\\n\\b\\\\\\""\nc = x\\ty\\\\\n',
  'a continued value': '[a]\nb = x\\\ny\\\n z\n',
  'a continued value in quotes': '[a]\nb = "x\\\n  y"\n',
  'a value that starts on the next line': '[a]\nb = \\\n   x\n',
  'nothing in quotes before blanks': '[a]\nb = ""  x\n',
  'a continuation with blanks before it': '[a]\nb = x  \\\n\nc = d\n',
  'a continuation at the end of the file': '[a]\nb = x\\\n',
  'CR LF': '[a]\r\nb = x\r\n\r\n# c\r\n[d "e"]\r\nf\r\ng = "h"\r\n',
  'CR LF in a continuation': '[a]\r\nb = x\\\r\ny\r\n',
  'CR alone at the end of a value': '[a]\nb = x\r\r\nc = z\r',
  'a byte order mark': '\uFEFF[a]\nb = c\n',
  'no line end at the end': '[a]\nb = c',
  'letters beyond ASCII': '[a "ä€𝄞"]\nb = ä€𝄞\n',
  'blanks beyond ASCII': '[a]\nb = x\u00a0\nc = \u3000y\u3000\n',
  'form feed and vertical tab': '[a]\nb = x\f\nc = x\v\n',
  'digits and dashes': '[1a-b]\nc-1 = d\n[-]\ne = f\n',
  'an equals sign in a value': '[a]\nb = c = d\ne==f\n',
  'numbers with units': '[a]\nb = 1k\nc = 2M\nd = 3g\n',
  'refused: a blank in a section': '[a b]\nc = d\n',
  'refused: a key that starts with a digit': '[a]\n1b = c\n',
  'refused: an underscore in a key': '[a]\nb_c = d\n',
  'refused: an unknown escape': '[a]\nb = \\q\n',
  'refused: an open quote': '[a]\nb = "c\nd = e\n',
  'refused: an open quote at the end': '[a]\nb = "c',
  'refused: an open section': '[a\nb = c\n',
  'refused: an open subsection': '[a "b]\nc = d\n',
  'refused: a line end in a subsection': '[a "b\nc"]\nd = e\n',
  'refused: blanks behind a subsection': '[a "b" ]\nc = d\n',
  'refused: blanks behind a section': '[a ]\nc = d\n',
  'refused: no blank before a subsection': '[a"b"]\nc = d\n',
  'refused: a comment behind a key without a value': '[a]\nb # c\n',
  'refused: words behind a key': '[a]\nb c\n',
  'refused: blanks beyond ASCII before a key': '[a]\n\u00a0b = c\n',
  'refused: a merge conflict': '[a]\n<<<<<<< ours\nb = c\n=======\nb = d\n>>>>>>> theirs\n',
};

describe('a configuration file reads as git reads it', () => {
  test.each(Object.entries(FILES))('%s', (name, text) => {
    const expected = readByGit(text);
    expect(expected === undefined).toBe(name.startsWith('refused'));
    expect(readByUs(text)).toEqual(expected);
  });

  // Left out: tabs and lone CRs, which inside of a value git keeps or makes blanks of depending on its version.
  const tricky = [
    '[a]',
    '[B "c.D"]',
    '[',
    ']',
    'k',
    'Key',
    ' ',
    '  ',
    '=',
    ' = ',
    'v',
    '"',
    '#',
    ';',
    '.',
    '-',
    '1',
  ];
  const ends = [
    '\n',
    '\r\n',
    '\n[a]\nk = ',
    '\\\n',
    '\\\r\n',
    '\\',
    '\\n',
    '\\t',
    '\\"',
    '\\\\',
    'ä',
    '\uFEFF',
  ];

  test('however it is put together', () => {
    const pieces = fc.array(fc.constantFrom(...tricky, ...ends), { maxLength: 16 });
    fc.assert(
      fc.property(pieces, fc.boolean(), (parts, start) => {
        const text = (start ? '[a]\nk = ' : '') + parts.join('');
        expect(readByUs(text)).toEqual(readByGit(text));
      }),
      { numRuns: 400 },
    );
  });

  test('git reads back what it wrote itself', () => {
    const value = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(value, value, (subsection, text) => {
        fc.pre(!subsection.includes('\n'));
        fs.rmSync(file, { force: true });
        git(directory, ['config', '-f', file, '--add', `a.${subsection}.k`, text]);
        expect(parse(fs.readFileSync(file, 'utf8'))).toEqual([
          { key: bytes(`a.${subsection}.k`), value: bytes(text) },
        ]);
      }),
      { numRuns: 100 },
    );
  });

  test('the message of a refusal names file and line', () => {
    expect(() => parseConfig('[a]\nb = c \\\nd\n\ne = "\n', 'my-config')).toThrow('line 5 in file my-config');
  });
});

describe('values are understood as git understands them', () => {
  /** What `git config --type=...` makes of a value; undefined where it refuses it. */
  function typed(type: string, text: string): string | undefined {
    fs.writeFileSync(file, `[a]\nk${text}\n`);
    try {
      return git(directory, ['config', '-f', file, `--type=${type}`, 'a.k']);
    } catch {
      return undefined;
    }
  }

  const booleans = [
    '',
    ' =',
    ' = true',
    ' = TRUE',
    ' = yes',
    ' = On',
    ' = 1',
    ' = 0',
    ' = 2',
    ' = -1',
    ' = 00',
  ];
  const noBooleans = [
    ' = false',
    ' = No',
    ' = OFF',
    ' = t',
    ' = y',
    ' = truee',
    ' = 1x',
    ' = "tr ue"',
    ' = 1k',
  ];

  test.each([...booleans, ...noBooleans])('boolean: k%s', (text) => {
    const expected = typed('bool', text);
    const config = new GitConfig(parseConfig(`[a]\nk${text}\n`));
    const read = () => String(config.boolean('a.k', false));
    if (expected === undefined) expect(read).toThrow('bad boolean');
    else expect(read()).toBe(expected);
  });

  const integers = ['0', '12', '-3', '+4', '1k', '2K', '3m', '1G', '010', '0x10', '2147483647', ' 7'];
  const noIntegers = ['x', '1.5', '1kb', '1 k', 'k', '08', '0x', '--1', '2g', '-3g', '99999999999999999999'];

  test.each([...integers, ...noIntegers])('integer: "%s"', (text) => {
    fs.writeFileSync(file, `[a]\nk = "${text}"\n`);
    const { stdout, stderr, status } = spawnSync(
      'git',
      ['config', '-f', 'config', '--type=bool-or-int', 'a.k'],
      {
        cwd: directory,
        env: GIT_ENVIRONMENT,
        encoding: 'utf8',
      },
    );
    const config = new GitConfig(parseConfig(fs.readFileSync(file, 'latin1')));
    expect(status === 0).toBe(integers.includes(text));
    if (status === 0) expect(config.integer('a.k', 0)).toBe(Number(stdout));
    else expect(() => config.integer('a.k', 0)).toThrow(stderr.replace('fatal: ', '').trimEnd());
  });

  const sizes = ['0', '10k', '+5', '0x7fffffffffffffff', '16777215g', '18446744073709551615'];
  const noSizes = ['-1', '-0', 'x', '1t', '18446744073709551616', '17179869184g'];

  test.each([...sizes, ...noSizes])('size: "%s"', (text) => {
    const name = 'pack.windowmemory';
    const { stderr, status } = spawnSync('git', ['-c', `${name}=${text}`, 'pack-objects', '--stdout'], {
      cwd: createRepository(directory, 'sizes.git'),
      env: GIT_ENVIRONMENT,
      encoding: 'utf8',
    });
    const read = () => new GitConfig([{ key: name, value: text }]).size(name, 0);
    expect(status === 0).toBe(sizes.includes(text));
    if (status === 0) expect(read()).toBeGreaterThanOrEqual(0);
    else expect(read).toThrow(stderr.replace('fatal: ', '').trimEnd());
  });

  test('words beside a boolean are taken as they are known', () => {
    const config = new GitConfig(parseConfig('[a]\nb = Multi\nc\nd = off\ne = 1\nf = x\n'));
    const read = (name: string) => config.booleanOr(`a.${name}`, ['single', 'multi'], true);
    expect(['b', 'c', 'd', 'missing'].map(read)).toEqual(['multi', true, false, true]);
    expect(() => read('e')).toThrow("invalid a.e value: '1'");
    expect(() => read('f')).toThrow("invalid a.f value: 'x'");
  });

  test('a key without a value is no string', () => {
    const config = new GitConfig(parseConfig('[a]\nb\nb = c\nd = e\nd\n'));
    expect(config.get('a.b')).toBe('c');
    expect(() => config.all('a.b')).toThrow("missing value for 'a.b'");
    expect(() => config.get('a.d')).toThrow("missing value for 'a.d'");
  });

  test('the last value counts, defaults where there is none', () => {
    const config = new GitConfig(
      parseConfig('[a]\nb = no\nb\nc = 1\nc = 2\n[d "E"]\nf = g\n[d "e"]\nf = h\n'),
    );
    expect(config.boolean('a.b', false)).toBe(true);
    expect(config.integer('a.c', 0)).toBe(2);
    expect(config.boolean('a.missing', true)).toBe(true);
    expect(config.integer('a.missing', 7)).toBe(7);
    expect(config.all('a.c')).toEqual(['1', '2']);
    expect(config.get('d.E.f')).toBe('g');
    expect(config.allOf('d.e.f', 'a.c')).toEqual(['1', '2', 'h']);
    expect(config.names('a')).toEqual(['b', 'c']);
  });
});
