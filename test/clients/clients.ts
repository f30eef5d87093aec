/** Clients: git, and programs in this directory by libraries that were written without it. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT } from '../support/git.ts';
import type { DoorName } from './doors.ts';

/** What only some clients do as git does. */
export type Ability = 'clone shallow' | 'fetch shallow' | 'clone partial';

export interface Client {
  readonly name: string;
  /** The doors that it can be sent to. */
  readonly doors: readonly DoorName[];
  readonly can: readonly Ability[];
  /**
   * Makes the program, where it must be made, and gives its command. The arguments that follow are
   * `clone URL DIRECTORY DEPTH` or `fetch DIRECTORY DEPTH`, where a depth of 0 means all; a filter may follow `clone`.
   */
  make(): Promise<readonly string[]>;
}

const run = promisify(execFile);
const inThisDirectory = (name: string) => path.join(import.meta.dirname, name);
/** Debian's Python, without what else is installed for Python, and without this directory: it has a dulwich.py. */
const PYTHON = ['/usr/bin/python3', '-I'];

export const gitOfVersion = (version: 0 | 1 | 2): Client => ({
  name: `git with protocol version ${version}`,
  doors: ['http', 'git', 'ssh', 'stdio'],
  can: ['clone shallow', 'fetch shallow', 'clone partial'],
  make: async () => ['sh', inThisDirectory('git.sh'), `${version}`],
});

export const pygit2: Client = {
  name: 'libgit2, by pygit2',
  doors: ['http', 'git', 'ssh'],
  can: [],
  make: async () => [...PYTHON, inThisDirectory('libgit2.py')],
};

export const esGit: Client = {
  name: 'libgit2, by es-git',
  doors: ['http', 'git', 'ssh'],
  can: ['clone shallow', 'fetch shallow'],
  make: async () => [process.execPath, inThisDirectory('es-git.ts')],
};

export const isomorphicGit: Client = {
  name: 'isomorphic-git',
  doors: ['http'],
  can: ['clone shallow', 'fetch shallow'],
  make: async () => [process.execPath, inThisDirectory('isomorphic-git.ts')],
};

/**
 * A fetch into a shallow clone waits forever for a list of boundaries that no server sends then,
 * and what a deeper one names as complete stays in the list of boundaries.
 */
export const dulwich: Client = {
  name: 'dulwich',
  doors: ['http', 'git', 'ssh', 'stdio'],
  can: ['clone shallow'],
  make: async () => [...PYTHON, inThisDirectory('dulwich.py')],
};

export const jgit: Client = {
  name: 'JGit',
  doors: ['http', 'git', 'ssh', 'stdio'],
  can: [],
  async make() {
    const jars = ['org.eclipse.jgit', 'javaewah', 'jsch', 'jzlib', 'slf4j-api', 'slf4j-nop'];
    const classes = temporaryDirectory();
    const classPath = [...jars.map((jar) => `/usr/share/java/${jar}.jar`), classes].join(':');
    await run('javac', ['-cp', classPath, '-d', classes, inThisDirectory('JGit.java')]);
    return ['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classPath, 'JGit'];
  },
};

/** A fetch into a shallow clone looks for the parents of a boundary, or does not forget it when it is none any more. */
export const goGit: Client = {
  name: 'go-git',
  doors: ['http', 'git', 'ssh', 'stdio'],
  can: ['clone shallow'],
  async make() {
    // Import paths with a version in them are understood below GOPATH only, beside a go.mod.
    const gopath = temporaryDirectory();
    const cwd = path.join(gopath, 'src/packhorse/client');
    fs.mkdirSync(cwd, { recursive: true });
    fs.copyFileSync(inThisDirectory('go-git.go'), path.join(cwd, 'main.go'));
    fs.writeFileSync(path.join(cwd, 'go.mod'), 'module packhorse/client\n');
    const env = { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOPATH: `${gopath}:/usr/share/gocode` };
    await run('go', ['build', '-o', 'client', '.'], { cwd, env });
    return [path.join(cwd, 'client')];
  },
};

const HOME = temporaryDirectory();

/**
 * Runs a client to its end; throws with what it said when it fails. A client that waits forever is ended, which the
 * end of a test would not do.
 */
export async function runClient(
  [file, ...args]: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  await run(file, args, { env: { ...GIT_ENVIRONMENT, HOME, ...environment }, timeout: 100_000 });
}
