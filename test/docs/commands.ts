/** The commands that documents tell their readers to type: where they stand, and that each of them is run by someone. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

export const PROJECT = path.join(import.meta.dirname, '../..');

/** What stands between two fences, without their indentation. */
export interface Block {
  readonly document: string;
  /** The heading above it, without `#`. */
  readonly section: string;
  readonly language: string;
  readonly text: string;
}

/** Runs a block, or makes sure that someone else does. */
export type Runner = (block: Block) => void | Promise<void>;

/** Of which each block has to be run. PromQL is evaluated where it is made, and what has no language is looked at. */
const LANGUAGES = ['sh', 'bash', 'console', 'js', 'ts', 'yaml', 'dockerfile'];

export function textOf(file: string): string {
  return fs.readFileSync(path.join(PROJECT, file), 'utf8');
}

/** Every block of a document, in its order. */
export function blocksOf(document: string): Block[] {
  const parts = /^(#+) (.+)$|^( *)```(\w*)\n([\s\S]*?)^\3```$/gm;
  const blocks: Block[] = [];
  let section = '';
  for (const [, level, heading, indent, language, text] of textOf(document).matchAll(parts)) {
    if (level) section = heading;
    else
      blocks.push({ document, section, language, text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), '') });
  }
  return blocks;
}

/** Those that have to be run, by their sections. */
export function runnableBlocks(document: string): Map<string, Block[]> {
  const sections = new Map<string, Block[]>();
  for (const block of blocksOf(document)) {
    if (!LANGUAGES.includes(block.language)) continue;
    sections.set(block.section, [...(sections.get(block.section) ?? []), block]);
  }
  return sections;
}

/** The commands of a block, each on one line, without comments. */
export function commandsOf({ text }: Block): string[] {
  return text
    .replaceAll(/ *\\\n */g, ' ')
    .split('\n')
    .map((line) => line.replace(/(^| +)# .*$/, '').trimEnd())
    .filter((line) => line !== '');
}

/** A test for each block of a document, in its order; `sections` has a runner for each, and none for another. */
export function describeCommands(
  document: string,
  sections: Readonly<Record<string, readonly Runner[]>>,
): void {
  const blocks = runnableBlocks(document);
  describe(document, () => {
    test('each block has who runs it', () => {
      const counts = [...blocks].map(([section, found]) => [section, found.length]);
      const runners = Object.entries(sections).map(([section, own]) => [section, own.length]);
      expect(Object.fromEntries(runners)).toEqual(Object.fromEntries(counts));
    });
    for (const [section, found] of blocks) {
      found.forEach((block, n) => {
        const [first] = block.text.split('\n');
        const run = sections[section]?.[n];
        if (run) test(`${section}: ${first}`, () => run(block));
      });
    }
  });
}

/** For a block whose commands are run in different ways: all of them, and no other. */
export function eachCommand(runners: Readonly<Record<string, (command: string) => unknown>>): Runner {
  return async (block) => {
    expect(Object.keys(runners)).toEqual(commandsOf(block));
    for (const [command, run] of Object.entries(runners)) await run(command);
  };
}

/** A command that another file runs. @param words what stands there of it, where it is not the command as it is */
export function runIn(file: string, words?: string): (command: string) => void {
  return (command) => expect(textOf(file)).toContain(words ?? command);
}

/** A block of which another test reads the text and runs it. */
export function runByTest(file: string): Runner {
  return ({ document, section }) => {
    expect(textOf(file)).toContain(`'${document}'`);
    expect(textOf(file)).toContain(`'${section}'`);
  };
}

/** What no test can run, and why. @param check what can be looked at without */
export function notRun<T>(_why: string, check: (it: T) => unknown): (it: T) => Promise<void> {
  return async (it) => void (await check(it));
}
