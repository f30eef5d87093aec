/** What clients do, and what they have in the end. */
import fs from 'node:fs';
import path from 'node:path';
import { headOf, refsOf, storedObjects } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git } from '../support/git.ts';
import { type Ability, runClient } from './clients.ts';
import type { Door } from './doors.ts';
import { commitToClone, pushToSource } from './source.ts';

export interface Scenario {
  readonly title: string;
  /** What not every client can do. */
  readonly needs?: Ability;
  play(player: Player): Promise<void>;
}

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'clones',
    play: (player) => player.clone(),
  },
  {
    title: 'fetches what was pushed since, and nothing when nothing was',
    async play(player) {
      await player.clone();
      pushToSource(player.source);
      await player.fetch();
      await player.fetch();
    },
  },
  {
    title: 'fetches into a clone with many commits of its own',
    async play(player) {
      await player.clone();
      commitToClone(player.directory);
      pushToSource(player.source);
      await player.fetch();
    },
  },
  {
    title: 'clones shallow',
    needs: 'clone shallow',
    play: (player) => player.clone(3),
  },
  {
    title: 'fetches what was pushed since into a shallow clone',
    needs: 'fetch shallow',
    async play(player) {
      await player.clone(3);
      pushToSource(player.source);
      await player.fetch();
    },
  },
  {
    title: 'deepens a shallow clone',
    needs: 'fetch shallow',
    async play(player) {
      await player.clone(2);
      await player.fetch(5);
    },
  },
  {
    title: 'clones without blobs, and gets those that it checks out',
    needs: 'clone partial',
    play: (player) => player.clone(0, 'blob:none'),
  },
  {
    title: 'clones without trees, and gets those that it checks out',
    needs: 'clone partial',
    play: (player) => player.clone(0, 'tree:0'),
  },
];

/** One client with a clone of its own source. */
export class Player {
  readonly source: string;
  readonly directory = path.join(temporaryDirectory(), 'clone');
  readonly #command: readonly string[];
  readonly #door: Door;
  readonly #url: string;

  /**
   * @param command of the client
   * @param door to the directory `root`, in which `source.git` is copied
   */
  constructor(command: readonly string[], door: Door, root: string) {
    this.source = path.join(fs.mkdtempSync(path.join(root, 'copy-')), 'source.git');
    fs.cpSync(path.join(root, 'source.git'), this.source, { recursive: true });
    this.#command = command;
    this.#door = door;
    this.#url = door.url(path.relative(root, this.source));
  }

  clone(depth = 0, ...filter: string[]): Promise<void> {
    return this.#run('clone', this.#url, this.directory, `${depth}`, ...filter);
  }

  fetch(depth = 0): Promise<void> {
    return this.#run('fetch', this.directory, `${depth}`);
  }

  async #run(...words: string[]): Promise<void> {
    await runClient([...this.#command, ...words], this.#door.environment);
    this.#door.expectUsed?.();
  }
}

/** What a clone has in the end; throws when git finds anything to complain about. */
export function contentOf(directory: string) {
  fsck(directory);
  const shallow = path.join(directory, '.git/shallow');
  return {
    head: headOf(directory),
    // Not every client notes the remote's HEAD.
    refs: refsOf(directory).filter((line) => !line.endsWith(' refs/remotes/origin/HEAD')),
    shallow: fs.existsSync(shallow) ? fs.readFileSync(shallow, 'utf8').trim().split('\n').sort() : [],
    objects: storedObjects(directory),
    changedFiles: git(directory, ['status', '--porcelain']),
  };
}
