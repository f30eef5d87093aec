import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { runPackhorse } from './run-packhorse.ts';

const COMMITS = 600;
const root = fs.realpathSync(temporaryDirectory());
const source = createRepository(root, "it's.git");
const history = new History();
for (let n = 0; n < COMMITS; n++) history.commit({ branch: 'main', files: { file: `${n}\n` } });
history.importInto(source);

it('says for people what a clone takes, and commands that a shell takes as they are', async () => {
  const { code, stdout, stderr } = await runPackhorse(['explain', "it's.git"], { cwd: root });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`A clone is `);
  expect(stdout).toContain('1,800 objects found by walking, 600 commits read from their objects');
  const commands = stdout.split('\n').filter((line) => line.startsWith('  git '));
  expect(commands).toHaveLength(2);
  for (const command of commands) git(root, ['-c', `alias.do=!${command.trim()}`, 'do']);
  const again = await runPackhorse(['explain', source]);
  expect(again.stdout).toContain('Nothing that git could do would make it much cheaper.');
  expect(again.stdout).toContain('0 objects found by walking, 0 commits read from their objects');
});

it('says everything as JSON', async () => {
  const { code, stdout } = await runPackhorse(['explain', source, '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    directory: source,
    refs: { total: 1, branches: 1 },
    clone: { statistics: { kind: 'clone', objects: { total: 3 * COMMITS } } },
    recommendations: expect.any(Array),
  });
});

it('finds the repository of a working tree, and prints no control characters of ref names', async () => {
  const tree = path.join(root, 'tree');
  git(root, ['clone', '-q', source, tree]);
  const oid = git(tree, ['rev-parse', 'HEAD']);
  const refs = Array.from({ length: 100 }, (_, n) => `${oid} refs/x\u009b31m/${n}\n`);
  fs.appendFileSync(path.join(tree, '.git/packed-refs'), refs.join(''));
  const { code, stdout } = await runPackhorse(['explain', tree]);
  expect(code).toBe(0);
  expect(stdout).toContain(`${tree}/.git`);
  expect(stdout).toContain('hideRefs');
  expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
});

it('says what is wrong', async () => {
  const absent = await runPackhorse(['explain', path.join(root, 'absent')]);
  expect([absent.code, absent.stderr]).toEqual([
    1,
    `packhorse: '${root}/absent' does not appear to be a git repository\n`,
  ]);
  const none = await runPackhorse(['explain']);
  expect([none.code, none.stderr]).toEqual([
    2,
    'packhorse: say which repository, as one path; see packhorse explain --help\n',
  ]);
});

it('says of what cannot be cloned what is there, why, and what completes it', async () => {
  git(source, ['config', 'uploadpack.allowFilter', 'true']);
  git(root, ['clone', '-q', '--bare', '--filter=blob:none', `file://${source}`, 'partial.git']);
  const { code, stdout, stderr } = await runPackhorse(['explain', 'partial.git'], { cwd: root });
  expect([code, stderr]).toEqual([1, '']);
  expect(stdout).toContain('1: 1 branches, 0 tags, 0 hidden');
  expect(stdout).toMatch(/^A clone fails: .+\n\nThis is a partial clone\. /m);
  const json = await runPackhorse(['explain', 'partial.git', '--json'], { cwd: root });
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    refs: { total: 1 },
    failure: { error: expect.any(String) },
  });
  const command = stdout.split('\n').find((line) => line.startsWith('  git '))!;
  git(root, ['-c', `alias.do=!${command.trim()}`, 'do']);
  expect(await runPackhorse(['explain', 'partial.git'], { cwd: root })).toMatchObject({ code: 0 });
});
