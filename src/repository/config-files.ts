/** Which configuration files there are beside a repository's own, and reading any of them. */
import fs from 'node:fs';
import { ioError, isSystemError, PackhorseError, reasonOf, repositoryUnsupported } from '../errors.ts';
import { type ConfigEntry, parseConfig } from './config.ts';
import { parseBoolean } from './config-value.ts';
import { unlessMissing } from './missing-file.ts';
import { readSmallFile } from './small-file.ts';
import type { Stamps } from './stamps.ts';

/** What is wrong with the file, not with the disk. */
const LASTING = ['EACCES', 'EISDIR', 'ELOOP'];
/** Bytes of a file that is still taken for configuration. */
const LARGEST = 4 * 1024 * 1024;

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What JavaScript reads as UTF-8, as the bytes that it was. */
export function byteString(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Decides whether a file (a real path) may be read. */
export type Allowed = (realPath: string) => boolean;

export interface ConfigFile {
  /** A byte string. */
  readonly path: string;
  /** Whether it is passed over when the system does not let it be read. */
  readonly optional?: boolean;
  /** All may by default. */
  readonly allowed?: Allowed | undefined;
}

/** The system's file, then the user's two. */
export function outsideFiles(environment: Environment): ConfigFile[] {
  const { HOME, XDG_CONFIG_HOME, GIT_CONFIG_SYSTEM = '/etc/gitconfig', GIT_CONFIG_GLOBAL } = environment;
  const system = readSwitch(environment, 'GIT_CONFIG_NOSYSTEM') ? '' : GIT_CONFIG_SYSTEM;
  const inHome = (name: string) => (HOME === undefined ? '' : `${HOME}/${name}`);
  const xdg = XDG_CONFIG_HOME ? `${XDG_CONFIG_HOME}/git/config` : inHome('.config/git/config');
  const user = GIT_CONFIG_GLOBAL === undefined ? [xdg, inHome('.gitconfig')] : [GIT_CONFIG_GLOBAL];
  return [{ path: system, optional: false }, ...user.map((path) => ({ path, optional: true }))]
    .filter(({ path }) => path !== '')
    .map(({ path, optional }) => ({ path: byteString(path), optional }));
}

function readSwitch(environment: Environment, name: string): boolean {
  const value = environment[name];
  const on = value === undefined ? false : parseBoolean(value);
  if (on === undefined) throw repositoryUnsupported(`bad boolean environment value '${value}' for '${name}'`);
  return on;
}

/** Files as they are read for one configuration, each once. */
export class ConfigFiles {
  readonly #stamps: Stamps;
  readonly #read = new Map<string, readonly ConfigEntry[] | undefined>();

  /** @param stamps of every file that is asked for, be it there or not */
  constructor(stamps: Stamps) {
    this.#stamps = stamps;
  }

  /**
   * The entries of a file; undefined where there is none.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` when it is malformed, `PACKHORSE_IO` when it cannot be
   *   read
   */
  read({ path, optional = false, allowed }: ConfigFile): readonly ConfigEntry[] | undefined {
    try {
      if (allowed) checkAllowed(path, allowed);
      if (!this.#read.has(path)) this.#read.set(path, this.#parse(path));
      return this.#read.get(path);
    } catch (error) {
      if (error instanceof PackhorseError) throw error;
      this.#stamps.spoil();
      if (optional && (error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
      const what = `unable to access '${nameOf(path)}'`;
      const isFault = isSystemError(error) && !LASTING.includes(error.code ?? '');
      throw isFault ? ioError(what, error) : repositoryUnsupported(what, reasonOf(error));
    }
  }

  #parse(path: string): ConfigEntry[] | undefined {
    const bytes = Buffer.from(path, 'latin1');
    if (!this.#stamps.see(bytes, true)) return undefined;
    const content = unlessMissing(() => readSmallFile(bytes, LARGEST), undefined);
    return content && parseConfig(content.toString('latin1'), nameOf(path));
  }
}

/** Configuration may hide refs, so a file that may not be read is an error, not nothing. */
function checkAllowed(path: string, allowed: Allowed): void {
  const real = unlessMissing(() => fs.realpathSync.native(Buffer.from(path, 'latin1')), undefined);
  if (real === undefined || allowed(real)) return;
  throw repositoryUnsupported('the configuration is outside of the directories that are served', real);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
