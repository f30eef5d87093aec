/** A repository that is pushed to and repacked while it is served, and knows what each client may have seen of it. */
import path from 'node:path';
import { feedGit } from '../../bench/git.ts';
import type { SeededRandom } from '../../bench/random.ts';
import { gitIn, refsOf } from '../support/clone.ts';
import { git } from '../support/git.ts';
import { createRepository, History, noise } from '../support/history.ts';
import { runClient } from './clients.ts';

export interface Shape {
  readonly commits: number;
  /** Bytes of each of four files that do not compress. */
  readonly noise: number;
  readonly branches: number;
  /** Objects lie loose at first. */
  readonly loose: boolean;
}

const FILES = 24;
const LINES = 60;
const NOISES = 4;
const PUSH_TRIES = 5;

/** What a developer pushes: mostly to `main`. */
const PUSHED = ['main', 'main', 'main', 'topic', 'branch-0'];

/** What an operator runs beside the service. */
const MAINTENANCE = [
  ['gc', '--quiet'],
  ['repack', '-adq'],
  ['repack', '-adq', '--write-bitmap-index'],
  ['repack', '-dq'],
  ['repack', '-dq', '--geometric=2', '--write-midx'],
  ['pack-refs', '--all'],
  ['commit-graph', 'write', '--reachable'],
] as const;

export class ChangingRepository {
  readonly name: string;
  readonly directory: string;
  /** Whether its pack is larger than what sockets and windows hold. */
  readonly isLarge: boolean;
  /** Where its developer commits. */
  readonly #work: string;
  readonly #random: SeededRandom;
  /** Every id that each ref had, in order; the last ones may be on their way. */
  readonly #values = new Map<string, string[]>();
  /** How many of them have surely been there. */
  readonly #pushed = new Map<string, number>();
  #pushes = 0;
  #busy: 'push' | undefined;

  /** Makes it, and the clone of its developer beside `root`. */
  constructor(root: string, work: string, name: string, shape: Shape, random: SeededRandom) {
    this.name = name;
    this.isLarge = shape.noise > 0;
    this.#random = random;
    this.directory = createRepository(root, name);
    const history = new History();
    for (let n = 0; n < shape.commits; n++) {
      const files: Record<string, string | Buffer> = { [this.#path()]: this.#text() };
      if (shape.noise > 0 && n < NOISES) files[`noise-${n}`] = noise(shape.noise, random.below(2 ** 32));
      history.commit({ branch: 'main', files });
    }
    for (let n = 0; n < shape.branches; n++) {
      history.ref(`refs/heads/branch-${n}`, `:${1 + random.below(shape.commits)}`);
    }
    history.tag('v1', ':1');
    if (this.isLarge) {
      // What does not compress is not tried: it would only take time.
      git(this.directory, ['config', 'core.compression', '0']);
      git(this.directory, ['config', 'core.bigFileThreshold', '1m']);
    }
    history.importInto(this.directory, shape.loose, []);
    // Pushes and maintenance wait for each other's locks on a busy machine.
    for (const lock of ['core.filesRefLockTimeout', 'core.packedRefsTimeout']) {
      git(this.directory, ['config', lock, '60000']);
    }
    git(this.directory, ['config', 'receive.autogc', 'false']);
    this.#work = createRepository(work, name);
    git(this.#work, ['fetch', '--quiet', this.directory, '+refs/*:refs/*']);
    for (const line of refsOf(this.directory)) {
      const [oid, ref] = line.split(' ');
      this.#values.set(ref, [oid]);
      this.#pushed.set(ref, 1);
    }
  }

  /** Commits something to one branch and pushes it, as a developer on the same machine does. */
  async push(): Promise<void> {
    if (this.#busy) return;
    this.#busy = 'push';
    try {
      await this.#push();
    } finally {
      this.#busy = undefined;
    }
  }

  async #push(): Promise<void> {
    const n = ++this.#pushes;
    // Fast-forward always: what a client has been told of stays reachable.
    const branch = this.#random.pick(PUSHED);
    const known =
      this.#values.get(`refs/heads/${branch}`)?.at(-1) ?? this.#values.get('refs/heads/main')!.at(-1)!;
    const history = new History(1_000_000 + n);
    const mark = history.commit({ branch, from: known, files: { [this.#path()]: this.#text() } });
    const refs = [`refs/heads/${branch}`];
    if (n % 5 === 0) {
      history.tag(`release-${n}`, mark);
      refs.push(`refs/tags/release-${n}`);
    }
    await feedGit(this.#work, ['fast-import', '--quiet', '--force'], async (input) => {
      await input.write(history.stream);
    });
    for (const ref of refs) {
      const oid = (await gitIn(this.#work, ['rev-parse', ref])).trim();
      this.#values.set(ref, [...(this.#values.get(ref) ?? []), oid]);
    }
    await this.#pushRefs(refs);
    for (const ref of refs) this.#pushed.set(ref, this.#values.get(ref)!.length);
  }

  /** A collection of garbage may take a directory away just when git wants to write to it: then it is pushed again. */
  async #pushRefs(refs: readonly string[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await runClient(this.#work, ['push', '--quiet', this.directory, ...refs]);
        return;
      } catch (error) {
        if (tries === PUSH_TRIES || !String(error).includes('unable to migrate objects')) throw error;
      }
    }
  }

  /** Repacks, collects garbage, or the like. */
  async maintain(): Promise<void> {
    await runClient(this.directory, this.#random.pick(MAINTENANCE));
  }

  /**
   * To be called before a client begins.
   * @returns judges the refs that the client has in the end, as lines `<oid> <ref>`: what is wrong with them, or
   *   nothing
   */
  judge(): (lines: readonly string[]) => string[] {
    const least = new Map(this.#pushed);
    return (lines) => {
      const wrong: string[] = [];
      const got = new Map(lines.map((line) => line.split(' ').reverse() as [string, string]));
      for (const [ref, oid] of got) {
        const at = this.#values.get(ref)?.indexOf(oid) ?? -1;
        if (at < 0) wrong.push(`${ref} was never ${oid}`);
        else if (at + 1 < (least.get(ref) ?? 0)) wrong.push(`${ref} is older than what was there: ${oid}`);
      }
      for (const ref of least.keys()) if (!got.has(ref)) wrong.push(`${ref} is missing`);
      return wrong;
    };
  }

  #path(): string {
    const n = this.#random.below(FILES);
    return `src/part-${n % 5}/file-${n}.txt`;
  }

  #text(): string {
    const lines = Array.from(
      { length: LINES },
      (_, n) => `${n}: ${this.#random.below(n < 50 ? 4 : 2 ** 32)}`,
    );
    return `${lines.join('\n')}\n`;
  }
}

const SHAPES: readonly Shape[] = [
  { commits: 40, noise: 0, branches: 3, loose: false },
  { commits: 60, noise: 0, branches: 5, loose: true },
  { commits: 20, noise: 3_000_000, branches: 2, loose: false },
  { commits: 300, noise: 0, branches: 60, loose: false },
];

/** So many repositories of several shapes below `root`. */
export function makeRepositories(
  root: string,
  work: string,
  count: number,
  random: SeededRandom,
): ChangingRepository[] {
  return Array.from({ length: count }, (_, n) => {
    const shape = SHAPES[n % SHAPES.length];
    return new ChangingRepository(root, work, path.join('group', `repository-${n}.git`), shape, random);
  });
}
