/** README.md, as a newcomer follows it: in a checkout, from the first command to the last. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { generatedFiles } from '../../grafana/generated-files.ts';
import { SERVE_FLAGS } from '../../src/cli/flags.ts';
import { expectSameBranches } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository, History } from '../support/history.ts';
import { startSshd } from '../support/sshd.ts';
import { statusBecomes } from '../support/status.ts';
import { makeCheckout } from './checkout.ts';
import { commandsOf, describeCommands, eachCommand, notRun, runIn, textOf } from './commands.ts';
import { runLibraryExample } from './library-example.ts';
import { listsLoadTests } from './long-commands.ts';
import { Reader } from './reader.ts';

const root = temporaryDirectory();
const history = new History();
history.commit({ branch: 'main', files: { a: 'a\n' } });
const [source] = ['group/name.git', 'name.git'].map((name) => {
  const repository = createRepository(root, name);
  history.importInto(repository);
  return repository;
});

const checkout = makeCheckout();
const demo = path.join(checkout, 'repos/demo.git');
const main = path.join(checkout, 'dist/src/main.js');
const places = { '/srv/git': root };
const reader = new Reader({ directory: checkout, places, main });
const inCheckout = (name: string) => path.join(checkout, name);

const READABLE = 'curl -s http://127.0.0.1:9417/metrics | grep packhorse_fetch_requests_total';

describeCommands('README.md', {
  'Try it': [
    eachCommand({
      // A checkout is what it leaves.
      'npm ci': runIn('.ci/run'),
      'npm start': (command) => reader.type(command),
    }),
    async (block) => {
      await reader.follow(block);
      expectSameBranches(demo, inCheckout('demo'));
    },
    async (block) => {
      await reader.follow(block);
      expectSameBranches(demo, inCheckout('with-a-token'));
      expect(fs.readFileSync(inCheckout('my-token'), 'utf8')).toMatch(/^ph_[\w-]{43}\n$/);
      // What is said of it below.
      const [pack] = (await statusBecomes(reader.service, ({ slowest }) => slowest.length > 0)).slowest;
      expect(pack).toMatchObject({ repository: 'demo.git' });
      expect(textOf('README.md')).toContain(`\`${READABLE}\``);
      expect(await reader.type(READABLE)).toMatch(
        /^packhorse_fetch_requests_total\{.*command="fetch".*\} 1$/m,
      );
      const logged = await reader.service.logged(({ command }) => command === 'fetch');
      expect(logged).toMatchObject({ repository: 'demo.git', subject: 'me', outcome: 'ok' });
    },
    async (block) => {
      await reader.follow(block);
      expectSameBranches(source, inCheckout('name'));
    },
  ],
  'Run it': [
    async (block) => {
      const help = await reader.follow(block);
      for (const { name } of SERVE_FLAGS) expect(help).toMatch(new RegExp(`^  --${name}\\b`, 'm'));
      expect(await (await fetch(`${reader.service.metricsUrl}/readyz`)).text()).toBe('ok\n');
    },
    async (block) => {
      const [clone, serve] = commandsOf(block);
      const bin = reader.environment.PATH!.split(':')[0];
      const sshd = await startSshd(`PATH=${bin}:$PATH sh -c "$SSH_ORIGINAL_COMMAND"`);
      const directory = temporaryDirectory();
      const { environment } = sshd;
      const client = new Reader({
        directory,
        places: { 'ssh://host/srv/git': `${sshd.url}${root}` },
        environment,
      });
      await client.type(clone);
      expectSameBranches(source, path.join(directory, 'name'));
      expect(await reader.type(serve)).toContain(' refs/heads/main\n');
    },
  ],
  'As a library': [(block) => runLibraryExample(block, checkout, source)],
  'Work on it': [
    eachCommand({
      'npm test': runIn('.ci/run'),
      'npm run test:load': notRun('it takes half an hour; npm test runs its short form', listsLoadTests),
      'npm run typecheck': runIn('.ci/run', 'npm run --silent typecheck'),
      'npm run lint': runIn('.ci/run', 'npm run --silent lint'),
      'npm run bench -- --help': async (command) => expect(await reader.type(command)).toContain('usage: '),
      'npm run fuzz -- --list': async (command) => expect(await reader.type(command)).toContain('pkt-line'),
      'npm run dashboards': async (command) => {
        const files = [...generatedFiles()];
        for (const [file] of files) fs.rmSync(inCheckout(file));
        await reader.type(command);
        for (const [file, text] of files) expect(fs.readFileSync(inCheckout(file), 'utf8')).toBe(text);
      },
      'npm run screenshot': notRun('it watches a busy service for 75 s', () =>
        expect(textOf('package.json')).toContain('"screenshot": "node bench/screenshot.ts"'),
      ),
      'bash .ci/run': notRun('it is what runs this', () => expect(textOf('.ci/run')).toContain('npm test')),
    }),
  ],
});

test('what the commands leave behind is kept out of commits', () => {
  const ignored = textOf('.gitignore').split('\n');
  for (const name of ['/repos/', '/tokens', '/my-token', '/with-a-token/', '/demo/'])
    expect(ignored).toContain(name);
});
