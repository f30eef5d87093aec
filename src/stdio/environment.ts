/** Which repository is meant, and how: arguments and git's environment variables as options of an upload-pack server. */
import path from 'node:path';
import { repositoryNotFound } from '../errors.ts';
import { traceparentOf } from '../protocol/traceparent.ts';
import { parseAlternates } from '../repository/alternates.ts';
import { byteString } from '../repository/config-files.ts';
import { expandHome } from '../repository/home-directory.ts';
import { OwnBitmaps } from '../store/own-bitmaps.ts';
import { UploadPack, type UploadPackOptions } from '../upload-pack/upload-pack.ts';
import type { UploadPackArguments } from './arguments.ts';

/**
 * @param environment as `process.env` has it
 * @throws PackhorseError `PACKHORSE_REPOSITORY_NOT_FOUND`
 */
export function openServer(
  { directory, strict }: Pick<UploadPackArguments, 'directory' | 'strict'>,
  environment: NodeJS.ProcessEnv,
): UploadPack {
  return new UploadPack(strict ? directory : withHome(directory, environment), {
    strict,
    ...readEnvironment(environment),
  });
}

function readEnvironment(environment: NodeJS.ProcessEnv): UploadPackOptions {
  const { PACKHORSE_CACHE_DIR: cacheDirectory, GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates } = environment;
  return {
    namespace: environment.GIT_NAMESPACE,
    traceparent: traceparentOf(environment),
    objectDirectory: environment.GIT_OBJECT_DIRECTORY,
    alternateDirectories: alternates === undefined ? [] : parseAlternates(alternates, ':'),
    config: { defaults: [], scope: 'all', environment },
    ...(cacheDirectory && { ownBitmaps: new OwnBitmaps(path.resolve(cacheDirectory)) }),
  };
}

/** Paths are byte strings where homes are looked up. */
function withHome(directory: string, environment: NodeJS.ProcessEnv): string {
  if (!directory.startsWith('~')) return directory;
  const expanded = expandHome(byteString(directory), environment);
  if (expanded === undefined) throw repositoryNotFound(directory);
  return Buffer.from(expanded, 'latin1').toString();
}
