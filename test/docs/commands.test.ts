/** Every document that has commands has someone who runs them. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT, runnableBlocks, textOf } from './commands.ts';

const tests = fs
  .readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => textOf(`test/docs/${name}`));

/** Every page of the project, without what it is made of or makes. */
function pages(directory = ''): string[] {
  return fs.readdirSync(path.join(PROJECT, directory), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(directory, entry.name);
    if (entry.isDirectory()) return /^(\.|node_modules$|dist$|repos$)/.test(entry.name) ? [] : pages(name);
    return name.endsWith('.md') ? [name] : [];
  });
}

const withCommands = pages().filter((page) => runnableBlocks(page).size > 0);

test('there are documents with commands', () => {
  expect(withCommands).toEqual(
    expect.arrayContaining(['README.md', 'docs/deployment.md', 'docs/runbook.md']),
  );
});

test.each(withCommands)('%s', (page) => {
  const constant = (text: string) => text.includes(`DOCUMENT = '${page}'`) && text.includes('(DOCUMENT,');
  const running = tests.filter((text) => text.includes(`describeCommands('${page}',`) || constant(text));
  expect(running).toHaveLength(1);
});
