/** A tree of files that look like source text, edited a line at a time. Plain ASCII. */
import type { SeededRandom } from './random.ts';

const TOP_DIRECTORIES = 20;
/** In each of those. */
const DIRECTORIES = 10;
/** Most directories are short, a few are long, as in real projects: that is what makes walks dear. */
const FEWEST_FILES = 8;
const MOST_FILES = 400;
const LINES = 120;
const WORDS = 1500;
/** Of the edits, the share that touches a second file and the share that adds one. */
const SECOND_FILE = 0.35;
const NEW_FILE = 0.03;

export class SourceTree {
  readonly #random: SeededRandom;
  readonly #words: readonly string[];
  readonly #files = new Map<string, string[]>();
  /** Paths of the files of each directory. */
  readonly #directories: string[][] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#words = Array.from({ length: WORDS }, () => this.#word());
    this.#addDirectory('');
    for (let top = 0; top < TOP_DIRECTORIES; top++) {
      const directory = `${this.#words[top]}-${top}/`;
      this.#addDirectory(directory);
      for (let i = 0; i < DIRECTORIES; i++) this.#addDirectory(`${directory}${this.#words[100 + i]}-${i}/`);
    }
  }

  get paths(): string[] {
    return [...this.#files.keys()];
  }

  read(path: string): string {
    return `${this.#files.get(path)!.join('\n')}\n`;
  }

  /** Makes one edit, as a commit would; returns the paths it touched. */
  edit(): string[] {
    // Some directories see most of the work.
    const files = this.#directories[Math.floor(this.#random.fraction() ** 2 * this.#directories.length)];
    if (this.#random.fraction() < NEW_FILE) {
      return [this.#add(files, files[0].slice(0, files[0].lastIndexOf('/') + 1))];
    }
    const touched = new Set([this.#random.pick(files)]);
    if (this.#random.fraction() < SECOND_FILE) touched.add(this.#random.pick(files));
    for (const path of touched) this.#change(this.#files.get(path)!);
    return [...touched];
  }

  /** A commit message with a subject and sometimes a body. */
  message(): string {
    const body = this.#random.fraction() < 0.4 ? `\n\n${this.#line()}\n${this.#line()}` : '';
    return `${this.#line()}${body}\n`;
  }

  /** @param directory its path with a slash at the end; nothing for the root */
  #addDirectory(directory: string): void {
    const files: string[] = [];
    this.#directories.push(files);
    const count = FEWEST_FILES + Math.floor(MOST_FILES * this.#random.fraction() ** 4);
    for (let i = 0; i < count; i++) this.#add(files, directory);
  }

  #add(files: string[], directory: string): string {
    const path = `${directory}${this.#random.pick(this.#words)}-${files.length}.ts`;
    const lines = 20 + this.#random.below(2 * (LINES - 20));
    files.push(path);
    this.#files.set(
      path,
      Array.from({ length: lines }, () => this.#line()),
    );
    return path;
  }

  #change(lines: string[]): void {
    const changes = 1 + this.#random.below(8);
    const near = this.#random.below(lines.length);
    for (let i = 0; i < changes; i++) {
      const at = Math.min(lines.length - 1, near + this.#random.below(10));
      const kind = this.#random.fraction();
      if (kind < 0.6 || lines.length < 20) lines[at] = this.#line();
      else if (kind < 0.85) lines.splice(at, 0, this.#line());
      else lines.splice(at, 1);
    }
  }

  #line(): string {
    const words = Array.from({ length: 3 + this.#random.below(6) }, () => this.#random.pick(this.#words));
    return '  '.repeat(this.#random.below(4)) + words.join(' ');
  }

  #word(): string {
    let word = '';
    for (let i = 2 + this.#random.below(3); i > 0; i--) {
      word += 'bcdfghklmnprstvz'[this.#random.below(16)] + 'aeiou'[this.#random.below(5)];
    }
    return word;
  }
}
