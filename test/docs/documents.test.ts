/** What documents name is there: files, sections, scripts and flags. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { SERVE_FLAGS } from '../../src/cli/flags.ts';

const PROJECT = path.join(import.meta.dirname, '../..');
const MAIN = path.join(PROJECT, 'src/main.ts');
const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'test/fuzz/README.md',
  ...fs
    .readdirSync(path.join(PROJECT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const ROOMS = /^(?:src|test|bench|workers|grafana|deploy|docs|\.ci)\/[\w./-]+$/;

function textOf(document: string): string {
  return fs.readFileSync(path.join(PROJECT, document), 'utf8');
}

/** What `packhorse <name> --help` prints. */
function helpOf(name: string): string {
  if (!helps.has(name)) {
    const { status, stdout } = spawnSync(process.execPath, [MAIN, name, '--help'], { encoding: 'utf8' });
    expect(status, name).toBe(0);
    helps.set(name, stdout);
  }
  return helps.get(name)!;
}

const helps = new Map<string, string>();

/** The anchors of a document, as they are made of its headings. */
function anchorsOf(document: string): string[] {
  const headings = textOf(document).matchAll(/^#+ (.+)$/gm);
  return Array.from(headings, ([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

test.each(DOCUMENTS)('%s links to what is there', (document) => {
  for (const [link, target] of textOf(document).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(target)) continue;
    const [file, anchor] = target.split('#');
    const linked = file === '' ? document : path.join(path.dirname(document), file);
    expect(fs.existsSync(path.join(PROJECT, linked)), link).toBe(true);
    if (anchor) expect(anchorsOf(linked), link).toContain(anchor);
  }
});

test.each(DOCUMENTS)('%s names files that are there', (document) => {
  const named = Array.from(textOf(document).matchAll(/`([^`\s]+)`/g), ([, name]) => name);
  const missing = named.filter((name) => ROOMS.test(name) && !fs.existsSync(path.join(PROJECT, name)));
  expect(missing).toEqual([]);
});

test.each(DOCUMENTS)('%s names scripts that are there', (document) => {
  const { scripts } = JSON.parse(textOf('package.json'));
  const named = Array.from(textOf(document).matchAll(/\bnpm run ([\w-]+(?::[\w-]+)*)/g), ([, name]) => name);
  for (const name of named) expect(Object.keys(scripts)).toContain(name);
});

test.each(DOCUMENTS)('%s names commands of packhorse with flags that they have', (document) => {
  for (const [code, name, rest] of textOf(document).matchAll(/`packhorse ([a-z][\w-]*)([^`]*)`/g)) {
    const help = helpOf(name);
    for (const [flag] of rest.matchAll(/(?<![\w-])--[a-z][\w-]*/g)) {
      if (flag !== '--help') expect(help, code).toMatch(new RegExp(`${flag}\\b`));
    }
  }
});

test('every flag of serve is told of', () => {
  const told = ['operations', 'authorization', 'observability', 'deployment']
    .map((name) => textOf(`docs/${name}.md`))
    .join('\n');
  const missing = SERVE_FLAGS.map(({ name }) => `--${name}`).filter((flag) => !told.includes(`\`${flag}`));
  expect(missing).toEqual([]);
});
