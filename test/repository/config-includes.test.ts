import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Configs } from '../../src/repository/read-config.ts';
import { git } from '../support/git.ts';
import { createRepository } from '../support/history.ts';
import { Configured } from './configured.ts';

let configured: Configured;
beforeEach(() => {
  configured = new Configured();
  fs.mkdirSync(configured.home);
});

/** Adds to the repository's own file. */
function append(text: string): void {
  fs.appendFileSync(configured.files.local, text);
}

/** Says that both read the same, or both refuse; tells which values of `a.b` were read, or our message. */
function agreed(): (string | undefined)[] | string {
  const [expected, read] = [configured.byGit(), configured.byUs()];
  if (typeof expected === 'string' || typeof read === 'string') {
    expect([expected, read]).toEqual([expect.any(String), expect.any(String)]);
    return read as string;
  }
  expect(read).toEqual(expected);
  return read.filter(({ key }) => key === 'a.b').map(({ value }) => value);
}

const quote = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
const included = '[a]\n\tb = included\n';

describe('include.path', () => {
  beforeEach(() => void configured.write('srv/common', included));

  test.each([
    ['a relative path', '../common'],
    ['a path through a directory that is not there', 'nowhere/../../common'],
    ['a file that is not there', 'nowhere'],
    ['a path through a file', '../common/x'],
    ['nothing', ''],
    ['a home directory that no one has', '~nobody-of-this-name/x'],
    ['a directory', '.'],
  ])('%s', (_, value) => {
    append(`[a]\n\tb = before\n[include]\n\tpath = ${quote(value)}\n[a]\n\tb = behind\n`);
    const relative = value === '../common';
    const refused = value === '.' || value.startsWith('~');
    if (refused) expect(agreed()).toMatch(/^(?:could not expand include path|unable to access)/);
    else expect(agreed()).toEqual(['before', ...(relative ? ['included'] : []), 'behind']);
  });

  test('without a value is refused', () => {
    append('[include]\n\tpath\n');
    expect(agreed()).toBe("missing value for 'include.path'");
  });

  test('an absolute path, and one below home', () => {
    configured.write('home/mine', '[a]\n\tb = home\n');
    append(`[include]\n\tpath = ${configured.directory}/srv/common\n\tpath = ~/mine\n`);
    expect(agreed()).toEqual(['included', 'home']);
  });

  test('a home directory by its user', () => {
    const { username, homedir } = os.userInfo();
    const file = path.join(homedir, `.packhorse-test-${process.pid}`);
    fs.writeFileSync(file, included);
    try {
      append(`[include]\n\tpath = ~${username}/${path.basename(file)}\n`);
      expect(agreed()).toEqual(['included']);
    } finally {
      fs.rmSync(file);
    }
  });

  test('is taken from where the including file is named, not from where a link leads', () => {
    configured.write('elsewhere/more', '[include]\n\tpath = next\n');
    configured.write('elsewhere/next', '[a]\n\tb = elsewhere\n');
    configured.write('srv/next', '[a]\n\tb = here\n');
    fs.symlinkSync('../elsewhere/more', path.join(configured.directory, 'srv/link'));
    append('[include]\n\tpath = ../link\n');
    expect(agreed()).toEqual(['here']);
  });

  test('a file whose name is not UTF-8', () => {
    const name = Buffer.from(path.join(configured.directory, 'srv/\xe9'), 'latin1');
    fs.writeFileSync(name, included);
    fs.appendFileSync(configured.files.local, Buffer.from('[include]\n\tpath = ../\xe9\n', 'latin1'));
    expect(agreed()).toEqual(['included']);
  });

  test.each([10, 11])('%i levels deep', (depth) => {
    for (let i = 1; i <= depth; i++) {
      configured.write(`srv/${i}`, `[a]\n\tb = ${i}\n[include]\n\tpath = ${i + 1}\n`);
    }
    append('[include]\n\tpath = ../1\n');
    const read = agreed();
    if (depth === 10) expect(read).toHaveLength(10);
    else expect(read).toContain('exceeded maximum include depth (10)');
  });

  test('where git is installed is not known', () => {
    append('[include]\n\tpath = %(prefix)/x\n');
    expect(configured.byUs()).toContain('%(prefix)/');
  });

  test('is relative only in files', () => {
    configured.environment.GIT_CONFIG_PARAMETERS = "'include.path=x'";
    expect(agreed()).toBe('relative config includes must come from files');
  });
});

describe('includeIf', () => {
  beforeEach(() => void configured.write('srv/common', included));

  /** Whether both include a file on a condition; `TOP` stands for the directory of all. */
  function holds(condition: string, scope: keyof Configured['files'] = 'local'): boolean {
    const text = `[includeIf ${quote(condition.replace('TOP', configured.directory))}]\n`;
    const file = `path = ${configured.directory}/srv/common\n`;
    if (scope === 'local') append(text + file);
    else configured.write(scope, text + file);
    return agreed().length > 0;
  }

  test.each([
    ['gitdir:TOP/srv/a.git', true],
    ['gitdir:TOP/srv/a.git/', true],
    ['gitdir:TOP/srv/', true],
    ['gitdir:TOP/srv', false],
    ['gitdir:TOP/srv/b.git', false],
    ['gitdir:a.git', true],
    ['gitdir:a.git/', true],
    ['gitdir:.git', false],
    ['gitdir:srv/', true],
    ['gitdir:SRV/', false],
    ['gitdir/i:SRV/A.git', true],
    ['gitdir:**/a.git', true],
    ['gitdir:**/[ab].?it', true],
    ['gitdir:./', false],
    ['gitdir:./**', false],
    ['gitdir:./x', false],
    ['gitdir:../', false],
    ['gitdir:~/', false],
    ['gitdir:~/../srv/', false],
    ['gitdir:~nobody-of-this-name/', false],
    ['gitdir:', true],
    ['gitdir', false],
    ['Gitdir:a.git', false],
    ['worktree:**', false],
    ['worktree/i:**', false],
    ['onbranch:main', true],
    ['onbranch:m*', true],
    ['onbranch:main/', false],
    ['onbranch:Main', false],
    ['onbranch:refs/heads/main', false],
    ['hasconfig:remote.*.url:x', false],
    ['hasconfig:remote.x.url:x', false],
    ['nothing:that:is:known', false],
  ])('%s', (condition, expected) => {
    expect(holds(condition)).toBe(expected);
  });

  test.each([
    ['gitdir:./srv/', 'system', true],
    ['gitdir/i:./SRV/', 'system', true],
    ['gitdir:./', 'user', false],
    ['gitdir:srv/', 'xdg', true],
  ] as const)('%s of the %s file', (condition, scope, expected) => {
    expect(holds(condition, scope)).toBe(expected);
  });

  test('wildcards in the name of a directory are none behind ./', () => {
    const other = new Configured();
    for (const [repository, expected] of [
      ['[a]/x.git', ['included']],
      ['a/x.git', []],
    ] as const) {
      const directory = createRepository(other.directory, repository);
      other.write('[a]/common', included);
      const system = other.write('[a]/system', '[includeIf "gitdir:./"]\n\tpath = common\n');
      const environment = { ...other.environment, GIT_CONFIG_SYSTEM: system };
      const expectedByGit = git(directory, ['config', '--get', '--default', '', 'a.b'], {
        env: environment,
      });
      const source = {
        ...other.source({ environment }),
        gitDirectory: directory,
        commonDirectory: directory,
      };
      const { config } = new Configs().read(source);
      expect(config.all('a.b')).toEqual(expected);
      expect(expectedByGit).toBe(expected.join());
    }
  });

  test('home may be a link', () => {
    fs.symlinkSync('srv', path.join(configured.directory, 'link'));
    configured.environment.HOME = path.join(configured.directory, 'link');
    expect(holds('gitdir:~/')).toBe(true);
  });

  test('the branch is what HEAD says in the end, wherever that may be', () => {
    git(configured.repository, ['symbolic-ref', 'refs/heads/alias', 'refs/heads/real/one']);
    git(configured.repository, ['symbolic-ref', 'HEAD', 'refs/heads/alias']);
    expect(holds('onbranch:real/')).toBe(true);
  });

  test('a HEAD that is on no branch matches nothing', () => {
    fs.writeFileSync(path.join(configured.repository, 'HEAD'), `${'1'.repeat(40)}\n`);
    expect(holds('onbranch:**')).toBe(false);
  });

  test('a key that is not path includes nothing', () => {
    append('[includeIf "gitdir:a.git"]\n\tpaths = ../common\n[includeIf]\n\tpath = ../common\n');
    expect(agreed()).toEqual([]);
  });

  test('given with the command, is not relative', () => {
    configured.environment.GIT_CONFIG_PARAMETERS = "'includeIf.gitdir:./x.path=/x'";
    expect(configured.byUs()).toBe('relative config include conditionals must come from files');
  });
});

describe('includeIf hasconfig', () => {
  const condition = (pattern: string, file: string) =>
    `[includeIf "hasconfig:remote.*.url:${pattern}"]\n\tpath = ${configured.directory}/${file}\n`;
  const remote = (url: string) => `[remote "x"]\n\turl = ${url}\n`;

  test('finds a URL behind it, before it and in another scope', () => {
    configured.write('common', included);
    configured.write('system', condition('https://example.com/**', 'common'));
    append(remote('https://example.com/a/b.git') + condition('https://*/a/**', 'common'));
    configured.environment.GIT_CONFIG_PARAMETERS = "'remote.y.url=ssh://z'";
    append(condition('ssh:/?z', 'common') + condition('ssh://**', 'common') + condition('file:**', 'common'));
    expect(agreed()).toEqual(['included', 'included', 'included']);
  });

  test('finds a URL in an included file', () => {
    configured.write('common', included);
    configured.write('urls', remote('https://example.com'));
    append(
      `[include]\n\tpath = ${configured.directory}/urls\n${condition('https:/*/example.com', 'common')}`,
    );
    expect(agreed()).toEqual(['included']);
  });

  test.each([
    ['a file that it includes', 'urls'],
    ['a file that such a file includes', 'next'],
  ])('refuses a URL in %s', (_, file) => {
    configured.write('urls', remote('https://example.com'));
    configured.write('next', '[include]\n\tpath = urls\n');
    append(condition('nothing', file));
    expect(agreed()).toContain('remote URLs cannot be configured in file directly or indirectly included');
  });

  test('refuses a URL on any condition, once it is asked for URLs', () => {
    configured.write('common', included);
    configured.write('urls', remote('https://example.com'));
    append(`[includeIf "gitdir:a.git"]\n\tpath = ${configured.directory}/urls\n`);
    expect(agreed()).toEqual([]);
    append(condition('https:/*/example.com', 'common'));
    expect(agreed()).toContain('remote URLs cannot be configured');
  });
});

test('files that include one another in any way on any condition are read as git reads them', () => {
  const names = ['1', '2', '3', 'sub/4'];
  const target = fc.constantFrom('1', '2', '3', 'sub/4', '../1', '../2', '4', '~/1', '~/sub/4', '/nowhere');
  const condition = fc.constantFrom(
    ...[
      'gitdir:a.git',
      'gitdir:./',
      'gitdir:./srv/',
      'gitdir:~/',
      'gitdir/i:SRV/',
      'gitdir:x',
      'onbranch:m*',
      'onbranch:x',
    ],
    ...['hasconfig:remote.*.url:a', 'hasconfig:remote.*.url:b/**', 'unknown:x'],
  );
  const line = fc.oneof(
    fc.nat(9).map((n) => `[a]\n\tb = ${n}\n`),
    fc.nat(9).map((n) => `[a]\n\tb = ${n}\n`),
    target.map((file) => `[include]\n\tpath = ${quote(file)}\n`),
    fc.tuple(condition, target).map(([on, file]) => `[includeIf "${on}"]\n\tpath = ${quote(file)}\n`),
    fc.tuple(condition, target).map(([on, file]) => `[includeIf "${on}"]\n\tpath = ${quote(file)}\n`),
    fc.constantFrom('a', 'b/c').map((url) => `[remote "x"]\n\turl = ${url}\n`),
  );
  const text = fc.array(line, { maxLength: 4 }).map((lines) => lines.join(''));
  const texts = fc.tuple(text, text, text, text, text, text, text);
  const local = fs.readFileSync(configured.files.local, 'utf8');
  let read = 0;
  fc.assert(
    fc.property(texts, ([system, user, own, ...others]) => {
      configured.write('system', system);
      configured.write('user', user);
      configured.write('local', local + own);
      // Below home, and once more beside the system's file and in the repository.
      for (const place of ['home', '.', 'srv/a.git']) {
        names.forEach((name, i) => void configured.write(`${place}/${name}`, others[i]));
      }
      if (typeof agreed() !== 'string') read++;
    }),
    { numRuns: 300 },
  );
  expect(read).toBeGreaterThan(100);
});

describe('a configuration that is kept', () => {
  test.each([
    ['the branch', () => git(configured.repository, ['symbolic-ref', 'HEAD', 'refs/heads/dev'])],
    ['an included file', () => configured.write('srv/branch', '[a]\n\tb = changed\n')],
    ['a file that was not there', () => configured.write('srv/missing', '[a]\n\tb = new\n')],
    ['the file of the worktree', () => configured.write('worktree', '[a]\n\tb = worktree\n')],
    ["the user's file", () => configured.write('user', '[a]\n\tb = user\n')],
  ])('is read again when %s changes', (_, change) => {
    append('[extensions]\n\tworktreeConfig = true\n[include]\n\tpath = ../missing\n');
    append('[includeIf "onbranch:main"]\n\tpath = ../branch\n');
    configured.write('srv/branch', '[a]\n\tb = main\n');
    const configs = new Configs();
    // For which files written now are old enough to be trusted.
    const source = { ...configured.source(), began: Date.now() + 60_000 };
    const first = configs.read(source).config;
    expect(first.all('a.b')).toEqual(['main']);
    expect(configs.read(source).config).toBe(first);
    change();
    const second = configs.read(source).config;
    expect(second.all('a.b')).not.toEqual(['main']);
    expect(configs.read(source).config).toBe(second);
  });

  test('is not kept for other rules', () => {
    const configs = new Configs();
    const source = { ...configured.source(), began: Date.now() + 60_000 };
    const first = configs.read(source).config;
    expect(configs.read({ ...source, rules: { ...source.rules } }).config).not.toBe(first);
  });
});
