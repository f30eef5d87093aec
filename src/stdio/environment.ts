/** What git's environment variables say about a repository, as options of an upload-pack server. */
import path from 'node:path';
import { OwnBitmaps } from '../store/own-bitmaps.ts';
import type { UploadPackOptions } from '../upload-pack/upload-pack.ts';

/** @param environment as `process.env` has it */
export function readEnvironment(environment: NodeJS.ProcessEnv): UploadPackOptions {
  const { PACKHORSE_CACHE_DIR: cacheDirectory } = environment;
  return cacheDirectory ? { ownBitmaps: new OwnBitmaps(path.resolve(cacheDirectory)) } : {};
}
