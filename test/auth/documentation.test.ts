/** docs/authorization.md: what it says to type is typed here, in its order. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { GIT_ENVIRONMENT, git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { type RunningService, startService } from '../support/service.ts';
import { listen } from './forge.ts';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const page = fs.readFileSync(path.join(PROJECT, 'docs/authorization.md'), 'utf8');
const root = temporaryDirectory();
const work = temporaryDirectory();
const etc = temporaryDirectory();
const main = path.join(PROJECT, 'src/main.ts');
let source: string;
let executable: string;
let forgePort: string;

beforeAll(async () => {
  source = createRepository(root, 'demo.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(source);
  for (const name of ['packhorse', 'forge']) fs.mkdirSync(path.join(etc, name));
  fs.symlinkSync(path.join(PROJECT, 'node_modules'), path.join(work, 'node_modules'));
  executable = buildExecutable();
  const bin = path.join(work, 'packhorse');
  fs.writeFileSync(bin, `#!/bin/sh\nexec '${process.execPath}' '${executable}' "$@"\n`, { mode: 0o755 });
  const server = net.createServer();
  forgePort = new URL(await listen(server)).port;
  server.close();
});

/** The blocks of one language in a section, places and ports as they are here. */
function blocks(section: string, language: string): string[] {
  const [, text] = new RegExp(`^## ${section}\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(page)!;
  const found = text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'));
  return Array.from(found, ([, block]) =>
    block
      .replaceAll('/etc/', `${etc}/`)
      .replaceAll('/srv/git', root)
      .replace(/\b3000\b/, forgePort),
  );
}

/** Starts the service as a block says, on other ports. */
function serve(block: string): Promise<RunningService> {
  const words = [...block.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word);
  expect(words.slice(0, 3)).toEqual(['packhorse', 'serve', '--root']);
  const files = words.slice(4).map((word) => (word.endsWith('.pem') ? path.resolve(work, word) : word));
  return startService(words[3], ['--workers', '1', ...files], {}, main);
}

async function run(block: string, { url }: { url: string } = { url: '' }): Promise<void> {
  const here = block.replaceAll(/127\.0\.0\.1:8417/g, new URL(url || 'http://x').host);
  const { GIT_SSL_CAINFO: _, ...environment } = GIT_ENVIRONMENT;
  const env = { ...environment, PATH: `${work}:${process.env.PATH}` };
  await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', here], { cwd: work, env });
}

function expectClone(name: string): void {
  expect(git(path.join(work, name), ['rev-parse', 'HEAD'])).toBe(git(source, ['rev-parse', 'main']));
}

test('tokens', async () => {
  const [make, start, use, revoke] = blocks('Tokens', 'sh');
  await run(make);
  const service = await serve(start);
  await run(use, service);
  expectClone('with-a-header');
  expectClone('with-a-helper');
  await run(revoke);
  fs.rmSync(path.join(work, 'with-a-header'), { recursive: true });
  await expect(run(use, service)).rejects.toThrow('could not read Username');
});

test('signed tokens', async () => {
  const [keys, start, use] = blocks('Signed tokens \\(JWT\\)', 'sh');
  const [mint] = blocks('Signed tokens \\(JWT\\)', 'js');
  await run(keys);
  fs.writeFileSync(path.join(work, 'mint.mjs'), mint);
  await run(use, await serve(start));
  expectClone('with-a-jwt');
});

describe('asking the forge', () => {
  let forge: ChildProcess;
  afterAll(() => void forge.kill());

  test('whose few lines do', async () => {
    const [start, use] = blocks('Asking the forge', 'sh');
    const [program] = blocks('Asking the forge', 'js');
    const file = path.join(work, 'forge.mjs');
    // It does not say when it listens.
    fs.writeFileSync(file, program.replace(/\);\s*$/, ", () => console.log('ready'));\n"));
    forge = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => forge.stdout!.once('data', resolve));
    const service = await serve(start);
    const address = use.replace('127.0.0.1:8417', new URL(service.url).host);
    await run(address, service);
    expectClone('asked-for');
    await expect(run(address.replace('correct', 'wrong').replace('asked-for', 'x'), service)).rejects.toThrow(
      'Authentication failed',
    );
  });
});

test('client certificates', async () => {
  const server = makeCertificate();
  const client = makeCertificate();
  const names = {
    'server-key': server.key,
    server: server.cert,
    'client-key': client.key,
    client: client.cert,
  };
  for (const [name, file] of Object.entries({ ...names, ca: client.cert })) {
    fs.copyFileSync(file, path.join(work, `${name}.pem`));
  }
  const [start, use] = blocks('Client certificates', 'sh');
  await run(use, await serve(start));
  expectClone('with-a-certificate');
});

test('every flag of authorization is on the page', () => {
  const help = execFileSync(process.execPath, [main, 'serve', '--help'], { encoding: 'utf8' });
  const flags = help.match(/^ {2}--(?:auth|jw|token|tls-client)[\w-]*/gm)!.map((flag) => flag.trim());
  expect(flags.length).toBeGreaterThan(8);
  for (const flag of flags) expect(page).toContain(flag);
});
