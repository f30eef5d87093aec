import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { makeDemo } from '../../src/cli/demo.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, GIT_ENVIRONMENT, git, reachableObjects } from '../support/git.ts';
import { startPackhorse } from './run-packhorse.ts';
import { startInTerminal } from './terminal.ts';

const DEMO_MODULE = path.resolve(import.meta.dirname, '../../src/cli/demo.ts');

function newDemo(): string {
  const root = path.join(temporaryDirectory(), 'repos');
  makeDemo(root);
  return path.join(root, 'demo.git');
}

describe('the demo repository', () => {
  test('git finds nothing to complain about', () => {
    const demo = newDemo();
    fsck(demo);
    expect(git(demo, ['fsck', '--full', '--strict', '--unreachable'])).toBe('');
    expect(git(demo, ['rev-parse', '--is-bare-repository'])).toBe('true');
    expect(git(demo, ['symbolic-ref', 'HEAD'])).toBe('refs/heads/main');
    expect(git(demo, ['for-each-ref', '--format=%(refname) %(objecttype)']).split('\n')).toEqual([
      'refs/heads/fix/slipping-loads commit',
      'refs/heads/main commit',
      'refs/heads/second-horse commit',
      'refs/heads/winter commit',
      'refs/tags/first-ride commit',
      'refs/tags/v1.0 tag',
    ]);
  });

  test('it tells its story: commits in order of time, a merge, sound messages', () => {
    const demo = newDemo();
    expect(git(demo, ['log', '--reverse', '--format=%s', 'main']).split('\n')).toEqual([
      'Open the pack station',
      'Load the first horse',
      'Share the goods between two horses',
      'Draw the route across the pass',
      "Merge branch 'second-horse'",
      'Call it 1.0',
      'Greet those who clone this',
    ]);
    expect(git(demo, ['rev-list', '--merges', '--count', 'main'])).toBe('1');
    expect(git(demo, ['diff', '--name-status', 'main^^^1', 'main^^']).split('\n')).toEqual([
      'A\tsrc/caravan.ts',
    ]);
    const people = git(demo, ['log', '--all', '--format=%an <%ae>%n%cn <%ce>']).split('\n');
    expect([...new Set(people)]).toEqual(['Packhorse Demo <demo@packhorse.example>']);
  });

  test('git would have made the tag the same way', () => {
    const demo = newDemo();
    const tag = git(demo, ['cat-file', 'tag', 'v1.0']);
    expect(git(demo, ['mktag', '--strict'], { input: `${tag}\n` })).toBe(git(demo, ['rev-parse', 'v1.0']));
    expect(git(demo, ['describe', 'main'])).toMatch(/^v1\.0-1-g/);
  });

  test('git would have written the same trees', () => {
    const demo = newDemo();
    for (const commit of git(demo, ['rev-list', '--all']).split('\n')) {
      const listing = git(demo, ['ls-tree', '-r', '-z', commit]);
      const index = path.join(temporaryDirectory(), 'index');
      const options = { env: { ...GIT_ENVIRONMENT, GIT_INDEX_FILE: index } };
      git(demo, ['update-index', '-z', '--index-info'], { ...options, input: listing });
      expect(git(demo, ['write-tree'], options)).toBe(git(demo, ['rev-parse', `${commit}^{tree}`]));
    }
  });

  test('every demo has the same ids', () => {
    const demo = newDemo();
    expect(git(demo, ['rev-parse', 'main', 'v1.0'])).toBe(git(newDemo(), ['rev-parse', 'main', 'v1.0']));
    expect(git(demo, ['rev-parse', 'main'])).toBe('529a7fb4154e92c601279c5e15d51ba03710d3dd');
  });

  test('git can work in it as in one of its own', () => {
    const demo = newDemo();
    git(demo, ['gc', '--prune=now']);
    fsck(demo);
  });
});

describe('a demo is made whole or not at all', () => {
  /** Makes a demo in a process in which `writeFileSync` does `then` at the `nth` call. */
  function makeInterrupted(root: string, nth: number, then: string) {
    const script = `
      import fs from 'node:fs';
      import { makeDemo } from ${JSON.stringify(DEMO_MODULE)};
      const write = fs.writeFileSync;
      let calls = 0;
      fs.writeFileSync = (...args) => {
        if (++calls === ${nth}) ${then};
        return write(...args);
      };
      makeDemo(${JSON.stringify(root)});
    `;
    return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  }
  const everyWrite = [1, 2, 20, 40];

  test.each(everyWrite)('killed at write %i: no root, and the next start makes it', (nth) => {
    const root = path.join(temporaryDirectory(), 'repos');
    const { signal } = makeInterrupted(root, nth, `process.kill(process.pid, 'SIGKILL')`);
    expect(signal).toBe('SIGKILL');
    expect(fs.existsSync(root)).toBe(false);
    makeDemo(root);
    fsck(path.join(root, 'demo.git'));
  });

  test.each(everyWrite)('disk full at write %i: an error, and nothing left', (nth) => {
    const directory = temporaryDirectory();
    const full = `throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })`;
    const { status, stderr } = makeInterrupted(path.join(directory, 'repos'), nth, full);
    expect(status).toBe(1);
    expect(stderr).toContain('ENOSPC');
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test('a root that another process made meanwhile stays as it is', () => {
    const root = path.join(temporaryDirectory(), 'repos');
    fs.mkdirSync(path.join(root, 'theirs'), { recursive: true });
    makeDemo(root);
    expect(fs.readdirSync(root)).toEqual(['theirs']);
    expect(fs.readdirSync(path.dirname(root))).toEqual(['repos']);
  });
});

describe('a newcomer in an empty directory', () => {
  const environment = () => ({
    PACKHORSE_PORT: '0',
    PACKHORSE_METRICS_PORT: '0',
    PACKHORSE_CACHE_DIR: temporaryDirectory(),
  });

  async function startIn(cwd: string) {
    const terminal = startInTerminal(['serve'], { cwd, environment: environment() });
    const shown = await terminal.shows(/Ctrl-C ends it\./);
    return { terminal, shown, command: /^ +(git clone .*)$/m.exec(shown)![1] };
  }

  test('gets a demo, and the command that a terminal shows clones it', async () => {
    const directory = temporaryDirectory();
    const { command } = await startIn(directory);
    const elsewhere = temporaryDirectory();
    await promisify(execFile)('sh', ['-c', command], { cwd: elsewhere, env: GIT_ENVIRONMENT });

    const clone = path.join(elsewhere, 'demo');
    const demo = path.join(directory, 'repos/demo.git');
    fsck(clone);
    expect(reachableObjects(clone)).toEqual(reachableObjects(demo));
    expect(git(clone, ['status', '--porcelain', '--branch'])).toBe('## main...origin/main');
    expect(fs.readFileSync(path.join(clone, 'README.md'), 'utf8')).toContain('Packhorse');
    expect(git(clone, ['tag', '--list'])).toBe('first-ride\nv1.0');
    expect(fs.readdirSync(directory)).toEqual(['repos']);
  });

  test('finds the command, and where to look, behind the log; Ctrl-C ends it', async () => {
    const { terminal, shown } = await startIn(temporaryDirectory());
    const lines = shown.split('\n');
    const hint = lines.findIndex((line) => !line.startsWith('{'));
    const log = lines.slice(0, hint).map((line) => JSON.parse(line));
    expect(log.map(({ msg }) => msg)).toEqual(['starting', 'listening']);
    expect(lines.slice(hint).join('\n')).toBe(`
There is a repository to try this with:

  git clone ${log[1].url}/demo.git

What happens here is shown at ${log[1].metrics}/. Ctrl-C ends it.`);
    expect((await fetch(`${log[1].metrics}/`)).status).toBe(200);
    terminal.pressCtrlC();
    await terminal.shows(/"stopped"/);
    expect(await terminal.ended).toBe(0);
  });

  test('is shown the command again at the next start, and the demo is left alone', async () => {
    const directory = temporaryDirectory();
    const first = await startIn(directory);
    first.terminal.pressCtrlC();
    await first.terminal.ended;
    git(path.join(directory, 'repos/demo.git'), ['branch', '-D', 'winter']);
    const { command } = await startIn(directory);
    expect(command).toMatch(/^git clone http:\/\/127\.0\.0\.1:\d+\/demo\.git$/);
    expect(git(path.join(directory, 'repos/demo.git'), ['branch', '--list', 'winter'])).toBe('');
  });

  test('who has no terminal gets the demo too, and log lines alone', async () => {
    const cwd = temporaryDirectory();
    const child = startPackhorse(['serve'], { cwd, environment: environment() });
    let stdout = '';
    child.stdout.on('data', (text: string) => {
      stdout += text;
      if (text.includes('"listening"')) child.kill('SIGINT');
    });
    let stderr = '';
    child.stderr.on('data', (text: string) => {
      stderr += text;
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(fs.readdirSync(cwd)).toEqual(['repos']);
    expect(stderr).toBe('');
    const log = stdout.trimEnd().split('\n');
    expect(log.map((line) => JSON.parse(line).msg)).toEqual([
      'starting',
      'listening',
      expect.stringMatching(/^stopping/),
      'draining',
      'stopped',
    ]);
  });
});
