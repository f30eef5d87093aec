/**
 * A repository with a long history: source-like files three directories deep, small edits near each other, branches
 * that are merged, tags. Then what `git gc` does: one pack with deltas, a bitmap, a commit-graph, packed refs.
 */
import { feedGit, type GitInput, git } from './git.ts';
import { SeededRandom } from './random.ts';
import { SourceTree } from './source-tree.ts';

/** They come to about 400,000 objects: 22,000 for the first commit, then about five for each. */
export const COMMITS = 76_000;
/** Commits between two topic branches, two tags, two branches that stay. */
const TOPIC_EVERY = 20;
const TAG_EVERY = 200;
const BRANCH_EVERY = 1000;
const TOPIC_COMMITS = 3;
const START = 1_420_070_400;
const SECONDS_BETWEEN = 4_800;

export async function makeHistory(directory: string, commits = COMMITS): Promise<void> {
  const import_ = ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet'];
  await feedGit(directory, import_, (input) => new History(input).write(commits));
  git(directory, 'repack', '-adfq', '--depth=50', '--window=10', '--write-bitmap-index');
  git(directory, 'commit-graph', 'write', '--reachable');
}

class History {
  readonly #input: GitInput;
  readonly #random = new SeededRandom('history');
  readonly #tree = new SourceTree(this.#random);
  /** The last mark given, and the mark of each file's blob. */
  #mark = 0;
  readonly #blobs = new Map<string, number>();
  #commits = 0;

  constructor(input: GitInput) {
    this.#input = input;
  }

  async write(commits: number): Promise<void> {
    const files = this.#tree.paths;
    let main = await this.#commit('main', [], await this.#blobsOf(files));
    while (this.#commits < commits) {
      main =
        this.#commits % TOPIC_EVERY === 0
          ? await this.#topic(main)
          : await this.#commit('main', [main], await this.#edit());
      if (this.#commits % TAG_EVERY === 0) await this.#tag(main);
      if (this.#commits % BRANCH_EVERY === 0) {
        await this.#input.write(`reset refs/heads/branch-${this.#commits}\nfrom :${main}\n\n`);
      }
    }
  }

  /** A branch of some commits, with one on `main` beside it, merged. */
  async #topic(start: number): Promise<number> {
    let topic = start;
    const touched = new Set<string>();
    for (let i = 0; i < TOPIC_COMMITS; i++) {
      const changes = await this.#edit();
      for (const path of changes) touched.add(path);
      topic = await this.#commit('topic', [topic], changes);
    }
    const main = await this.#commit('main', [start], await this.#edit());
    return this.#commit('main', [main, topic], [...touched]);
  }

  async #edit(): Promise<string[]> {
    return this.#blobsOf(this.#tree.edit());
  }

  async #blobsOf(paths: readonly string[]): Promise<string[]> {
    for (const path of paths) {
      this.#blobs.set(path, ++this.#mark);
      const text = this.#tree.read(path);
      await this.#input.write(`blob\nmark :${this.#mark}\ndata ${text.length}\n${text}\n`);
    }
    return [...paths];
  }

  /** Changes are the files at `paths` as they are now. */
  async #commit(branch: string, parents: readonly number[], paths: readonly string[]): Promise<number> {
    const mark = ++this.#mark;
    const message = this.#tree.message();
    const seconds = START + this.#commits++ * SECONDS_BETWEEN;
    const who = `Author ${this.#random.below(300)} <author@example.com> ${seconds} +0000`;
    const lines = [`commit refs/heads/${branch}`, `mark :${mark}`, `author ${who}`, `committer ${who}`];
    lines.push(`data ${message.length}`, message);
    parents.forEach((parent, i) => {
      lines.push(`${i === 0 ? 'from' : 'merge'} :${parent}`);
    });
    for (const path of paths) lines.push(`M 100644 :${this.#blobs.get(path)} ${path}`);
    await this.#input.write(`${lines.join('\n')}\n\n`);
    return mark;
  }

  async #tag(commit: number): Promise<void> {
    const seconds = START + this.#commits * SECONDS_BETWEEN;
    const message = 'A release\n';
    const head = `tag v${this.#commits}\nfrom :${commit}\ntagger Tess Tagger <tess@example.com> ${seconds} +0000`;
    await this.#input.write(`${head}\ndata ${message.length}\n${message}\n`);
  }
}
