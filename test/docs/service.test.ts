/** What documents say to do with a service that runs: ask it, listen to it, join clients to it. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { expectSameBranches } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository, History } from '../support/history.ts';
import { statusBecomes } from '../support/status.ts';
import { makeCheckout } from './checkout.ts';
import { blocksOf, describeCommands, notRun, textOf } from './commands.ts';
import { runLibraryExample } from './library-example.ts';
import { Reader } from './reader.ts';

const SERVE = 'packhorse serve --root /srv/git';
const CLONE = 'git clone --quiet http://127.0.0.1:8417/group/name.git';

const root = temporaryDirectory();
const source = createRepository(root, 'group/name.git');
const history = new History();
for (let n = 0; n < 600; n++) history.commit({ branch: 'main', files: { file: `${n}\n` } });
history.importInto(source);
const places = { '/srv/git': root };

describeCommands('docs/status.md', {
  'The same as data': [
    async (block) => {
      const reader = new Reader({ places });
      await reader.type(SERVE);
      await reader.type(CLONE);
      await statusBecomes(reader.service, ({ slowest }) => slowest.length > 0);
      const status = JSON.parse(await reader.follow(block));
      // What is said of it below.
      const fields = ['now', 'ended', 'fetches', 'inFlight', 'sent', 'notReady'];
      const said = /^## The same as data\n([\s\S]*?)^## /m.exec(textOf(block.document))![1];
      const known = JSON.stringify(status);
      for (const field of fields) {
        expect(said).toContain(`\`${field}\``);
        expect(known).toContain(`"${field}":`);
      }
    },
  ],
  'What a repository costs': [
    async (block) => {
      const reader = new Reader({ directory: path.join(root, 'group'), places });
      const printed = await reader.follow(block);
      const text = printed.slice(0, printed.indexOf('\n{') + 1);
      expect(JSON.parse(printed.slice(text.length))).toMatchObject({ directory: source });
      const [sample] = blocksOf(block.document).filter(({ language }) => language === '');
      expect(shapeOf(text, source)).toEqual(shapeOf(sample.text, '/srv/git/curl.git'));
    },
  ],
});

/** What each line begins with: a label, or a command; numbers and the repository left out. */
function shapeOf(text: string, directory: string): string[] {
  return text
    .replaceAll(directory, 'DIRECTORY')
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('    '))
    .map((line) => line.replace(/^( {2}[\w-]+) {2,}.*$/, '$1').replaceAll(/[\d.,]+( [KM]i)?B?/g, 'N'));
}

describeCommands('docs/forge-authors.md', {
  SSH: [
    async (block) => {
      const reader = new Reader({ places });
      await reader.type(SERVE);
      expect(await reader.follow(block)).toContain(' refs/heads/main\n');
    },
  ],
  'The library': [(block) => runLibraryExample(block, makeCheckout(), source)],
});

describeCommands('docs/observability.md', {
  Traces: [
    notRun('the packages are here', ({ text }: { text: string }) => {
      const named = text.match(/@[\w-]+\/[\w-]+/g)!;
      const { peerDependencies } = JSON.parse(textOf('package.json'));
      const wanted = Object.keys(peerDependencies).filter((name) => name.startsWith('@opentelemetry/'));
      expect(named.sort()).toEqual(wanted.sort());
    }),
  ],
  Channels: [
    async ({ text }) => {
      const directory = temporaryDirectory();
      fs.writeFileSync(path.join(directory, 'subscriber.mjs'), text);
      expect(textOf('docs/observability.md')).toContain('`NODE_OPTIONS=--import=./subscriber.mjs`');
      const environment = { NODE_OPTIONS: '--import=./subscriber.mjs' };
      const reader = new Reader({ directory, places, environment });
      await reader.type(SERVE);
      let said = '';
      reader.service.process.stderr!.on('data', (words) => {
        said += words;
      });
      const plain = new Reader({ directory });
      await plain.type(`git clone --quiet ${reader.service.url}/group/name.git`);
      expectSameBranches(source, path.join(directory, 'name'));
      await reader.service.stop();
      expect(said).toMatch(/^group\/name\.git: ok after [\d.e-]+ s, without a bitmap$/m);
    },
  ],
});
