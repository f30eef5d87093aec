/** Repositories with as many refs as one asks for: half branches, half annotated tags, on a short history. */
import { feedGit, type GitInput } from './git.ts';

/** Branches and tags are spread over so many commits. */
const COMMITS = 200;
const START = 1_700_000_000;

export function makeRefs(directory: string, refs: number): Promise<void> {
  return feedGit(directory, ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet'], async (input) => {
    for (let n = 1; n <= COMMITS; n++) await commit(input, n);
    // One is `main`.
    for (let n = 1; n < refs; n++) await (n % 2 === 0 ? branch(input, n) : tag(input, n));
  });
}

async function commit(input: GitInput, n: number): Promise<void> {
  const who = `committer Rita Refs <rita@example.com> ${START + n} +0000`;
  const text = `${n}\n`;
  await input.write(`commit refs/heads/main\nmark :${n}\n${who}\n${data(`Commit ${n}\n`)}`);
  await input.write(`M 100644 inline file\n${data(text)}\n`);
}

function branch(input: GitInput, n: number): void | Promise<void> {
  return input.write(`reset refs/heads/topic-${n}\nfrom :${1 + (n % COMMITS)}\n\n`);
}

function tag(input: GitInput, n: number): void | Promise<void> {
  const who = `tagger Rita Refs <rita@example.com> ${START + n} +0000`;
  return input.write(`tag v${n}\nfrom :${1 + (n % COMMITS)}\n${who}\n${data(`Release ${n}\n`)}\n`);
}

function data(text: string): string {
  return `data ${text.length}\n${text}`;
}
