/** docs/authorization.md: what it says to type is typed here, in its order. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { afterTests } from '../support/after-tests.ts';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { freePort } from '../support/free-port.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { type Block, commandsOf, describeCommands, PROJECT, textOf } from './commands.ts';
import { Reader } from './reader.ts';

const root = temporaryDirectory();
const etc = temporaryDirectory();
const source = createRepository(root, 'demo.git');
const history = new History();
history.commit({ branch: 'main', files: { a: 'a\n' } });
history.importInto(source);
for (const name of ['packhorse', 'forge']) fs.mkdirSync(path.join(etc, name));

const forgePort = await freePort();
const places = { '/etc/': `${etc}/`, '/srv/git': root, '127.0.0.1:3000': `127.0.0.1:${forgePort}` };
const reader = new Reader({ places });
fs.symlinkSync(path.join(PROJECT, 'node_modules'), path.join(reader.directory, 'node_modules'));

const follow = async (block: Block) => void (await reader.follow(block));

/** Leaves clones of these names. */
const clones =
  (...names: string[]) =>
  async (block: Block) => {
    await reader.follow(block);
    for (const name of names) {
      const clone = path.join(reader.directory, name);
      expect(git(clone, ['rev-parse', 'HEAD'])).toBe(git(source, ['rev-parse', 'main']));
    }
  };

describeCommands('docs/authorization.md', {
  Tokens: [
    follow,
    follow,
    clones('with-a-header', 'with-a-helper'),
    async (block) => {
      await reader.follow(block);
      const ask = reader.type('git ls-remote -q http://x:$(cat ci-token)@127.0.0.1:8417/demo.git');
      await expect(ask).rejects.toThrow('Authentication failed');
    },
  ],
  'Signed tokens (JWT)': [
    follow,
    follow,
    ({ text }) => fs.writeFileSync(path.join(reader.directory, 'mint.mjs'), reader.inPlace(text)),
    clones('with-a-jwt'),
  ],
  'Asking the forge': [
    follow,
    async ({ text }) => {
      const file = path.join(reader.directory, 'forge.mjs');
      // It does not say when it listens.
      const program = text
        .replace(/\);\s*$/, ", () => console.log('ready'));\n")
        .replace('3000', `${forgePort}`);
      fs.writeFileSync(file, program);
      const forge = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
      afterTests(() => forge.kill());
      await once(forge.stdout, 'data');
    },
    async (block) => {
      await clones('asked-for')(block);
      const [command] = commandsOf(block);
      const wrong = command.replace('correct', 'wrong').replace('asked-for', 'x');
      await expect(reader.type(wrong)).rejects.toThrow('Authentication failed');
    },
  ],
  'Client certificates': [
    async (block) => {
      const server = makeCertificate();
      const client = makeCertificate();
      const files = {
        'server-key': server.key,
        server: server.cert,
        'client-key': client.key,
        client: client.cert,
        ca: client.cert,
      };
      for (const [name, file] of Object.entries(files)) {
        fs.copyFileSync(file, path.join(reader.directory, `${name}.pem`));
      }
      await reader.follow(block);
    },
    clones('with-a-certificate'),
  ],
});

test('every flag of authorization is on the page', () => {
  const page = textOf('docs/authorization.md');
  const main = path.join(PROJECT, 'src/main.ts');
  const help = execFileSync(process.execPath, [main, 'serve', '--help'], { encoding: 'utf8' });
  const flags = help.match(/^ {2}--(?:auth|jw|token|tls-client)[\w-]*/gm)!.map((flag) => flag.trim());
  expect(flags.length).toBeGreaterThan(8);
  for (const flag of flags) expect(page).toContain(flag);
});
