/** docs/deployment.md: what can be run is, and it speaks of what is there. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { SERVE_FLAGS } from '../../src/cli/flags.ts';
import { kustomize } from '../deploy/kustomize.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { makeCheckout } from './checkout.ts';
import {
  type Block,
  describeCommands,
  eachCommand,
  notRun,
  PROJECT,
  runByTest,
  runIn,
  textOf,
} from './commands.ts';
import { Reader } from './reader.ts';

const DOCUMENT = 'docs/deployment.md';
const text = textOf(DOCUMENT);
const { version, scripts, devDependencies } = JSON.parse(textOf('package.json'));
const places = {
  '/srv/git': temporaryDirectory(),
  'GRAFANA_ADMIN_PASSWORD=...': 'GRAFANA_ADMIN_PASSWORD=own',
};
const reader = new Reader({ directory: makeCheckout(), places });

/** `docker compose … up` without containers: its files are read, and its flags are known. */
async function composes(command: string): Promise<void> {
  const [, before, flags] = /^(.* docker compose.*) up (.*)$/.exec(command)!;
  await reader.type(`${before.replace('docker compose', 'docker-compose')} config --quiet`);
  const known = execFileSync('docker-compose', ['up', '--help'], { encoding: 'utf8' });
  for (const flag of flags.split(' ')) expect(known).toContain(` ${flag} `);
}

const noEngine = notRun('it needs a container engine', composes);

describeCommands(DOCUMENT, {
  'One machine': [runByTest('test/deploy/package.test.ts')],
  Compose: [
    eachCommand({
      'REPOSITORIES=/srv/git GRAFANA_ADMIN_PASSWORD=... docker compose up --build --detach': noEngine,
      'git clone http://127.0.0.1:8417/group/name.git': notRun('what it starts is not there', () =>
        expect(textOf('docker-compose.yml')).toContain('"127.0.0.1:8417:8417"'),
      ),
    }),
    eachCommand({
      'mkdir -p secrets': (command) => reader.type(command),
      'node dist/src/main.js token new ci --token-file secrets/tokens': async (command) =>
        expect(await reader.type(command)).toMatch(/^ph_[\w-]{43}\n$/),
      'chmod a+r secrets/tokens': async (command) => {
        await reader.type(command);
        expect(fs.statSync(path.join(reader.directory, 'secrets/tokens')).mode & 0o777).toBe(0o644);
      },
      'TOKENS=$PWD/secrets REPOSITORIES=/srv/git GRAFANA_ADMIN_PASSWORD=... docker compose -f docker-compose.yml -f deploy/compose.tokens.yml up --detach':
        noEngine,
    }),
  ],
  Kubernetes: [
    ({ text: overlay }) => {
      const { resources, images } = parse(overlay);
      const manifests = resources.flatMap((resource: string) =>
        kustomize(resource.replace('../packhorse', PROJECT)),
      );
      for (const { name } of images) expect(JSON.stringify(manifests)).toContain(`"image":"${name}:`);
    },
    eachCommand({
      'kubectl apply --server-side -k .': notRun('it needs a cluster; the block above is what it reads', () =>
        expect(text).toContain('kind: Kustomization'),
      ),
    }),
  ],
  'What is in it': [
    eachCommand({
      'npm run sbom': runIn('test/deploy/supply-chain.test.ts', "['run', '--silent', 'sbom']"),
      'npm run vulnerabilities': runIn('.ci/run'),
    }),
    notRun('it needs a container engine', ({ text: image }: Block) => {
      expect(image).toContain(`FROM node:${devDependencies.node}-bookworm-slim AS`);
      const [, name, wanted] = /(@aws-sdk\/[\w-]+)@([\d.]+)$/m.exec(image)!;
      expect(devDependencies[name]).toBe(`^${wanted}`);
    }),
  ],
});

test('the files', () => {
  const files = [...text.matchAll(/(?<![\w./])(?:deploy|test|overlays)\/[\w./-]*\w/g)].map(([file]) => file);
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    expect(
      fs.existsSync(path.join(PROJECT, file.replace(/^overlays/, 'deploy/kubernetes/overlays'))),
      file,
    ).toBe(true);
  }
});

test('the scripts', () => {
  const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name!);
  expect(named).toContain('sbom');
  for (const name of named) expect(Object.keys(scripts)).toContain(name);
});

test('the flags of the service', () => {
  const flags = new Set([...text.matchAll(/`--([\w-]+)/g)].map(([, name]) => name!));
  expect(flags.size).toBeGreaterThan(5);
  const known: readonly string[] = SERVE_FLAGS.map(({ name }) => name);
  for (const flag of flags) expect(known).toContain(flag);
});

test('the version', () => {
  for (const file of [text, textOf('README.md')]) expect(file).toContain(`packhorse-${version}.tgz`);
  expect(text).toContain(`newTag: ${version}\n`);
  expect(text).toContain(`FROM packhorse:${version}\n`);
});
