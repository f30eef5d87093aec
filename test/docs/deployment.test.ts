/** docs/deployment.md speaks of what is there. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { SERVE_FLAGS } from '../../src/cli/flags.ts';

const TOP = path.resolve(import.meta.dirname, '../..');
const text = fs.readFileSync(path.join(TOP, 'docs/deployment.md'), 'utf8');
const { version, scripts } = JSON.parse(fs.readFileSync(path.join(TOP, 'package.json'), 'utf8'));

test('the files', () => {
  const files = [...text.matchAll(/(?<![\w./])(?:deploy|test|overlays)\/[\w./-]*\w/g)].map(([file]) => file);
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    expect(fs.existsSync(path.join(TOP, file.replace(/^overlays/, 'deploy/kubernetes/overlays'))), file).toBe(
      true,
    );
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
  for (const file of [text, fs.readFileSync(path.join(TOP, 'README.md'), 'utf8')])
    expect(file).toContain(`packhorse-${version}.tgz`);
  expect(text).toContain(`newTag: ${version}\n`);
  expect(text).toContain(`FROM packhorse:${version}\n`);
});
