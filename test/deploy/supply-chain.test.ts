/** What comes into the package and the image from others. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const TOP = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => fs.readFileSync(path.join(TOP, file), 'utf8');
const { dependencies, devDependencies, peerDependencies, allowScripts } = JSON.parse(read('package.json'));

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const { '': _project, ...locked }: Record<string, LockedPackage> = JSON.parse(
  read('package-lock.json'),
).packages;
const installed = Object.entries(locked).filter(([, { dev }]) => !dev);

test('every package that is installed with Packhorse has a reason', () => {
  const [table] = /^\| package (?:.*\n)+?\n/m.exec(read('docs/decisions.md'))!;
  // Those of one scope may share a row, where the scope is named once.
  const named = new Set(table.match(/[@\w][\w@/-]+/g)!.map((word) => path.basename(word)));
  const packages = Object.keys({ ...dependencies, ...peerDependencies });
  for (const name of packages) expect(named).toContain(path.basename(name));
});

test('every one of them is locked to its content', () => {
  for (const [name, { integrity }] of installed) expect(integrity, name).toMatch(/^sha512-/);
});

interface Part {
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly unknown[];
  readonly properties?: readonly { readonly name: string }[];
}

// With --omit=dev npm would leave out those that packages for development need as well.
test('the parts list has all of them, with versions and hashes, and marks those for development', () => {
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  const list = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: TOP, stdio: [...stdio] });
  const { bomFormat, components } = JSON.parse(list.toString());
  expect(bomFormat).toBe('CycloneDX');
  const parts = (components as Part[]).filter(
    ({ properties = [] }) => !properties.some(({ name }) => name === 'cdx:npm:package:development'),
  );
  const listed = new Set(parts.map(({ name, version }) => `${name} ${version}`));
  const inLock = installed.map(([place, { version }]) => `${place.split('node_modules/').at(-1)} ${version}`);
  expect(listed).toEqual(new Set(inLock));
  for (const { name, hashes } of parts) expect(hashes, name).toHaveLength(1);
});

test('one package alone runs a script when it is installed: the Node.js for developers, of a fixed version', () => {
  const scripted = Object.entries(locked).filter(([, { hasInstallScript }]) => hasInstallScript);
  expect(scripted.map(([place]) => place)).toEqual(['node_modules/node']);
  expect(allowScripts).toEqual({ node: true });
  expect(devDependencies.node).toBe(locked['node_modules/node']!.version);
});

test('the image has Node.js and the package, and nobody’s rights', () => {
  const stages = read('Dockerfile')
    .split(/^FROM /m)
    .slice(1);
  for (const stage of stages) {
    expect(stage).not.toMatch(/apt|curl|wget/);
    for (const [install] of stage.matchAll(/npm (?:ci|install).*/g))
      expect(install).toMatch(/^npm ci --ignore-scripts /);
  }
  const image = stages.at(-1)!;
  expect(image).not.toContain('npm ci');
  const copied = [...image.matchAll(/^COPY (.*)$/gm)].map(([, what]) => what);
  expect(copied).toEqual([
    'LICENSE package.json ./',
    'deploy/healthcheck.js ./',
    '--from=production /app/node_modules node_modules',
    '--from=build /app/dist dist',
  ]);
  const [removed] = /^RUN rm -rf (?:.*\\\n)*/m.exec(image)!;
  for (const manager of ['lib/node_modules', 'bin/npm', 'bin/npx', 'bin/corepack', 'bin/yarn', 'opt/yarn'])
    expect(removed).toContain(manager);
  expect(image).toMatch(/^USER node$/m);
});
