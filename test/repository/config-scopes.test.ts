import fs from 'node:fs';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { parseAssignment } from '../../src/repository/config-command.ts';
import { Configured } from './configured.ts';

let configured: Configured;
beforeEach(() => {
  configured = new Configured();
  for (const name of Object.keys(configured.files) as (keyof Configured['files'])[]) {
    const before = name === 'local' ? fs.readFileSync(configured.files.local, 'utf8') : '';
    configured.write(name, `${before}[a]\n\tscope = ${name}\n`);
  }
});

/** Says that both read the same, and gives it back. */
function agreed(environment = configured.environment) {
  const listed = configured.byUs(configured.source({ environment }));
  expect(listed).toEqual(configured.byGit(environment));
  if (typeof listed === 'string') throw new Error(listed);
  return listed.filter(({ key }) => key === 'a.scope').map(({ value }) => value);
}

describe('every scope is read, in the order of git', () => {
  test('system, user, repository', () => {
    expect(agreed()).toEqual(['system', 'xdg', 'user', 'local']);
  });

  test('of a worktree too where the repository says so', () => {
    fs.appendFileSync(configured.files.local, '[extensions]\n\tworktreeConfig = true\n');
    expect(agreed()).toEqual(['system', 'xdg', 'user', 'local', 'worktree']);
  });

  test.each([
    ['its format has no version', 'repositoryformatversion', 'x'],
    ['it says no', 'worktreeConfig = true', 'worktreeConfig = false'],
  ])('not of a worktree where %s', (_, from, to) => {
    fs.appendFileSync(configured.files.local, '[extensions]\n\tworktreeConfig = true\n');
    fs.writeFileSync(
      configured.files.local,
      fs.readFileSync(configured.files.local, 'utf8').replace(from, to),
    );
    expect(agreed()).toEqual(['system', 'xdg', 'user', 'local']);
  });

  test('what the user or an included file say of the format counts for nothing', () => {
    const text = '[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tworktreeConfig = true\n';
    fs.appendFileSync(configured.files.user, text);
    fs.appendFileSync(configured.files.local, `[include]\n\tpath = ${configured.write('more', text)}\n`);
    expect(agreed()).toEqual(['system', 'xdg', 'user', 'local']);
  });

  test.each([
    [{ GIT_CONFIG_NOSYSTEM: 'yes' }, ['xdg', 'user', 'local']],
    [{ GIT_CONFIG_NOSYSTEM: '0' }, ['system', 'xdg', 'user', 'local']],
    [{ GIT_CONFIG_SYSTEM: '' }, ['xdg', 'user', 'local']],
    [{ GIT_CONFIG_GLOBAL: '/dev/null' }, ['system', 'local']],
    [{ GIT_CONFIG_GLOBAL: '' }, ['system', 'local']],
    [{ XDG_CONFIG_HOME: '/nowhere' }, ['system', 'user', 'local']],
    [{ XDG_CONFIG_HOME: '' }, ['system', 'xdg', 'user', 'local']],
    [{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'A.Scope', GIT_CONFIG_VALUE_0: 'é' }, undefined],
  ])('with %j', (environment: Record<string, string>, expected) => {
    const scopes = agreed({ ...configured.environment, ...environment });
    expect(scopes).toEqual(expected ?? ['system', 'xdg', 'user', 'local', '\xc3\xa9']);
  });

  test('a home that is not known has no files', () => {
    const { HOME: _, ...environment } = configured.environment;
    expect(agreed(environment)).toEqual(['system', 'local']);
  });

  test('a switch that is none is refused', () => {
    const environment = { ...configured.environment, GIT_CONFIG_NOSYSTEM: 'maybe' };
    const message = "value 'maybe' for 'GIT_CONFIG_NOSYSTEM'";
    expect(configured.byGit(environment)).toContain(message);
    expect(configured.byUs(configured.source({ environment }))).toContain(message);
  });
});

describe('for a service', () => {
  test('only the repository is read, over the settings of the service', () => {
    const { environment } = configured;
    const defaults = ['a.scope=service', 'a.Sub.flag', 'a.x=y=z'].map(parseAssignment);
    const listed = configured.byUs(configured.source({ defaults, scope: 'repository', environment }));
    expect(listed).toEqual([
      { key: 'a.scope', value: 'service' },
      { key: 'a.Sub.flag', value: undefined },
      { key: 'a.x', value: 'y=z' },
      ...(configured.byGit({ ...environment, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '' }) as []),
    ]);
  });

  test('what is given with a command is left alone', () => {
    const environment = { ...configured.environment, GIT_CONFIG_COUNT: 'x', GIT_CONFIG_PARAMETERS: 'x' };
    expect(configured.byUs(configured.source({ scope: 'repository', environment }))).toBeInstanceOf(Array);
  });

  test('a setting can include a file', () => {
    const included = configured.write('service', '[a]\n\tscope = included\n');
    const defaults = [parseAssignment(`include.path=${included}`)];
    const listed = configured.byUs(configured.source({ defaults, scope: 'repository' }));
    expect(listed).toContainEqual({ key: 'a.scope', value: 'included' });
  });
});

describe('what is given with a command is read as git reads it', () => {
  test.each([
    ["'a.b=c'"],
    ["'a.b'='c'"],
    ["'a.b'="],
    ["'a.b'=''"],
    ["'a.b'"],
    ["'a.b=c=d' 'a.X.B'='e'  'a.f'="],
    ["'a.b=it'\\''s' 'a.b'='wo'\\!'w'"],
    ["'a.x=y.b'='c'"],
    ["'a.b=c' "],
    [''],
    [' '],
    ["'a.b'x"],
    ["'a.b'='c'd"],
    ["'a.b'=c"],
    ["'a.b"],
    ['a.b=c'],
    ["'a.b=c'\\x'd'"],
    ["'=c'"],
    ["''='c'"],
    ["'ab=c'"],
    ["'a.1b=c'"],
    ["'a b.c'='d'"],
    ["'a.=c'"],
    ["'.b=c'"],
    ["'a..b=c' '.a.b'='c'"],
    ["'a.x\ny.b'='c'"],
  ])('GIT_CONFIG_PARAMETERS=%s', (parameters) => {
    const environment = { ...configured.environment, GIT_CONFIG_PARAMETERS: parameters };
    const [expected, read] = [
      configured.byGit(environment),
      configured.byUs(configured.source({ environment })),
    ];
    if (typeof expected === 'string') expectSameComplaint(read, expected);
    else expect(read).toEqual(expected);
  });

  test.each([
    [{ GIT_CONFIG_COUNT: '' }],
    [{ GIT_CONFIG_COUNT: ' +1', GIT_CONFIG_KEY_0: 'a.b', GIT_CONFIG_VALUE_0: '' }],
    [{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'a.b' }],
    [{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_VALUE_0: 'a.b' }],
    [{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: '', GIT_CONFIG_VALUE_0: '' }],
    [{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'a', GIT_CONFIG_VALUE_0: '' }],
    [{ GIT_CONFIG_COUNT: 'x' }],
    [{ GIT_CONFIG_COUNT: '1x' }],
    [{ GIT_CONFIG_COUNT: ' ' }],
    [{ GIT_CONFIG_COUNT: '99999999999' }],
  ])('%j', (variables: Record<string, string>) => {
    const environment = { ...configured.environment, ...variables };
    const [expected, read] = [
      configured.byGit(environment),
      configured.byUs(configured.source({ environment })),
    ];
    if (typeof expected === 'string') expectSameComplaint(read, expected);
    else expect(read).toEqual(expected);
  });

  test('however the words are quoted', () => {
    const piece = fc.constantFrom("'", "' '", 'a.b', 'c', '=', "'='", "'\\''", '\\!', '.');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const parameters = `'${pieces.join('')}`;
        const environment = { ...configured.environment, GIT_CONFIG_PARAMETERS: parameters };
        const [expected, read] = [
          configured.byGit(environment),
          configured.byUs(configured.source({ environment })),
        ];
        if (typeof expected === 'string') expect(read).toBeTypeOf('string');
        else expect(read).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

/** git puts what is wrong and what it cannot do because of it on two lines. */
function expectSameComplaint(read: unknown, complaint: string): void {
  const [error, fatal] = complaint.trimEnd().split(/\n(?=fatal: )/);
  expect(read).toBe(`${fatal.replace('fatal: ', '')}: ${error.replace('error: ', '')}`);
}
