/** Repositories with something in them, made by `git fast-import`. */
import { git } from '../support/git.ts';
import { random as seeded } from '../support/history.ts';

export interface HistoryShape {
  readonly commits: number;
  /** Text files, each of about 4 KiB; a commit changes a few lines of one. */
  readonly files: number;
  /** Histories with different seeds have nothing in common. */
  readonly seed?: number;
  readonly branch?: string;
}

/** Makes a branch of commits, with contents that deltas are made of. */
export function makeHistory(
  directory: string,
  { commits, files, seed = 1, branch = 'main' }: HistoryShape,
): void {
  const random = seeded(seed);
  const contents = Array.from({ length: files }, () =>
    Array.from({ length: 80 }, () => `line ${random().toString(36)} of ${random().toString(36)}`),
  );
  const stream: string[] = [];
  const blob = (path: string, lines: string[]) => {
    const text = `${lines.join('\n')}\n`;
    stream.push(`M 100644 inline ${path}`, `data ${Buffer.byteLength(text)}`, text);
  };
  for (let i = 0; i < commits; i++) {
    const time = 1700000000 + i * 60;
    const message = `commit ${i} of ${seed}\n`;
    stream.push(`commit refs/heads/${branch}`, `committer C <c@example.com> ${time} +0100`);
    stream.push(`data ${message.length}`, message);
    if (i === 0) for (const [k, lines] of contents.entries()) blob(pathOf(k), lines);
    const k = Math.floor(random() * files);
    contents[k][Math.floor(random() * 80)] = `changed by ${i} to ${random()}`;
    blob(pathOf(k), contents[k]);
  }
  git(directory, ['fast-import', '--quiet'], { input: `${stream.join('\n')}\ndone\n` });
}

export function initBare(directory: string, flags: readonly string[] = []): void {
  git(directory, ['init', '--quiet', '--bare', '--initial-branch=main', ...flags]);
}

function pathOf(k: number): string {
  return `directory-${k % 3}/file-${k}.txt`;
}
