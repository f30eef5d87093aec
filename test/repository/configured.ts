/** A repository with all the files that configure it: read by git, and by us. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { PackhorseError } from '../../src/errors.ts';
import type { ConfigEntry } from '../../src/repository/config.ts';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { type ConfigRules, type ConfigSource, Configs } from '../../src/repository/read-config.ts';
import { branchOf, FileRefs } from '../../src/repository/refs.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository } from '../support/history.ts';

type Listed = Pick<ConfigEntry, 'key' | 'value'>[];

export class Configured {
  readonly directory = temporaryDirectory();
  /** Bare, `HEAD` on `main`, which is not there. */
  readonly repository = createRepository(path.join(this.directory, 'srv'), 'a.git');
  readonly home = path.join(this.directory, 'home');
  /** What git calls each file of a scope. */
  readonly files = {
    system: path.join(this.directory, 'etc-gitconfig'),
    xdg: path.join(this.home, '.config/git/config'),
    user: path.join(this.home, '.gitconfig'),
    local: path.join(this.repository, 'config'),
    worktree: path.join(this.repository, 'config.worktree'),
  };
  readonly environment: Record<string, string> = {
    PATH: process.env.PATH!,
    HOME: this.home,
    GIT_CONFIG_SYSTEM: this.files.system,
    LC_ALL: 'C',
  };

  /** Writes a file of a scope, or any other by its path below {@link directory}. */
  write(name: keyof Configured['files'] | (string & {}), text: string): string {
    const file = Object.hasOwn(this.files, name)
      ? this.files[name as keyof Configured['files']]
      : path.join(this.directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    return file;
  }

  /** What git lists from all scopes; its complaint where it refuses. */
  byGit(environment = this.environment): Listed | string {
    const args = ['-C', this.repository, 'config', '--list', '-z'];
    const { status, stdout, stderr } = spawnSync('git', args, { env: environment, encoding: 'latin1' });
    if (status !== 0) return stderr;
    return stdout
      .split('\0')
      .slice(0, -1)
      .map((row) => {
        const end = row.indexOf('\n');
        return end < 0
          ? { key: row, value: undefined }
          : { key: row.slice(0, end), value: row.slice(end + 1) };
      });
  }

  source(rules: Partial<ConfigRules> = {}): ConfigSource {
    const { repository } = this;
    return {
      gitDirectory: repository,
      commonDirectory: repository,
      allowed: () => true,
      rules: { defaults: [], scope: 'all', environment: this.environment, ...rules },
      began: Date.now(),
      branch(_, stamps) {
        const directories = { gitDirectory: repository, commonDirectory: repository };
        const refs = new FileRefs(directories, new IndexFiles(0));
        const branch = branchOf(refs);
        stamps.join(refs.stamps);
        return branch;
      },
    };
  }

  byUs(source = this.source()): Listed | string {
    try {
      const { entries } = new Configs().read(source).config;
      return entries.map(({ key, value }) => ({ key, value }));
    } catch (error) {
      if (error instanceof PackhorseError && error.code === 'PACKHORSE_REPOSITORY_UNSUPPORTED') {
        return error.message;
      }
      throw error;
    }
  }
}
