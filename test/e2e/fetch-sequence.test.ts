/** Long sequences of changes on the server, with a fetch after each. The same seed makes the same sequence. */
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameHistory, gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git } from '../support/git.ts';
import { createRepository, History, random } from '../support/history.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const STEPS = 30;
let service: RunningService;

beforeAll(async () => {
  service = await startService(root);
});

/** A server's repository that changes at random. */
class ChangingRepository {
  readonly directory: string;
  readonly #random: () => number;
  readonly #branches = ['main'];
  readonly #files: string[] = [];
  #minute = 0;
  #names = 0;

  constructor(directory: string, seed: number) {
    this.directory = directory;
    this.#random = random(seed);
    const history = new History();
    history.commit({ branch: 'main', files: { first: 'first\n' } });
    history.importInto(directory);
  }

  /** @returns what was done, for the message of a failure */
  change(): string {
    const dice = this.#random();
    if (dice < 0.45) return this.#commit();
    if (dice < 0.6) return this.#branch();
    if (dice < 0.75) return this.#merge();
    if (dice < 0.8) return this.#tag();
    if (dice < 0.85) return this.#drop();
    return this.#maintain();
  }

  #commit(): string {
    const branch = this.#pick(this.#branches);
    const history = this.#history();
    const count = 1 + Math.floor(this.#random() * 4);
    for (let n = 0; n < count; n++) {
      history.commit({ branch, from: n === 0 ? `refs/heads/${branch}^0` : '', files: this.#edit() });
    }
    history.importInto(this.directory, this.#random() < 0.7);
    return `${count} commits on ${branch}`;
  }

  #edit(): Record<string, string | null> {
    const files: Record<string, string | null> = {};
    for (let n = this.#random() * 3; n >= 0; n--) {
      const known = this.#files.length > 3 && this.#random() < 0.6;
      const name = known ? this.#pick(this.#files) : `d${this.#files.length % 5}/f${this.#files.length}`;
      if (!known) this.#files.push(name);
      files[name] = this.#random() < 0.15 ? null : `${this.#random()}\n`.repeat(1 + (this.#minute % 50));
    }
    return files;
  }

  #branch(): string {
    const name = `branch${this.#names++}`;
    const from = this.#pick(this.#branches);
    git(this.directory, ['update-ref', `refs/heads/${name}`, from]);
    this.#branches.push(name);
    return `branch ${name} from ${from}`;
  }

  #merge(): string {
    const into = this.#pick(this.#branches);
    const other = this.#pick(this.#branches);
    const history = this.#history();
    history.commit({
      branch: into,
      from: `refs/heads/${into}^0`,
      merge: [`refs/heads/${other}^0`],
      files: this.#edit(),
    });
    history.importInto(this.directory, true);
    return `merge of ${other} into ${into}`;
  }

  #tag(): string {
    const name = `tag${this.#names++}`;
    git(this.directory, ['tag', '-a', '-m', name, name, this.#pick(this.#branches)]);
    return `tag ${name}`;
  }

  #drop(): string {
    if (this.#branches.length < 3) return 'nothing';
    const [name] = this.#branches.splice(1, 1);
    git(this.directory, ['update-ref', '-d', `refs/heads/${name}`]);
    return `without ${name}`;
  }

  #maintain(): string {
    const command = this.#pick([
      ['repack', '-d', '--quiet'],
      ['repack', '-ad', '--quiet'],
      ['gc', '--quiet', '--prune=now'],
      ['pack-refs', '--all'],
    ]);
    git(this.directory, command);
    return command.join(' ');
  }

  #history(): History {
    this.#minute += 10;
    return new History(this.#minute);
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)];
  }
}

test.each([1, 2])('a mirror follows a changing repository (seed %i)', async (seed) => {
  const name = `mirror${seed}.git`;
  const repository = new ChangingRepository(createRepository(root, name), seed);
  const mirror = await clone(service, name);
  const done: string[] = [];
  for (let step = 0; step < STEPS; step++) {
    done.push(repository.change());
    try {
      await gitIn(mirror, ['fetch', '--prune', '--quiet', 'origin']);
      expectSameHistory(repository.directory, mirror);
    } catch (error) {
      throw new Error(`after ${done.join('; ')}`, { cause: error });
    }
  }
});

test.each([3, 4])('a work tree pulls, with commits of its own in between (seed %i)', async (seed) => {
  const name = `pull${seed}.git`;
  const repository = new ChangingRepository(createRepository(root, name), seed);
  const work = await clone(service, name, []);
  const own = random(seed);
  for (let step = 0; step < STEPS; step++) {
    repository.change();
    if (own() < 0.5) git(work, ['commit', '--quiet', '--allow-empty', '-m', `own ${step}`]);
    await gitIn(work, ['pull', '--quiet', '--no-rebase', '--no-edit', '--prune', 'origin', 'main']);
    fsck(work);
    const tip = git(repository.directory, ['rev-parse', 'main']);
    expect(git(work, ['merge-base', 'HEAD', tip])).toBe(tip);
  }
});
