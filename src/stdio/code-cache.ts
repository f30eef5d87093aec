/** What V8 makes of the code, kept for the next process: to compile it takes about as long as all else until the first byte. */
import module from 'node:module';
import path from 'node:path';
import { defaultCacheDirectory } from '../cache-directory.ts';

/** Code that is loaded from here on is kept, where Node.js can (from 22.1 on) and the directory can be written to. */
export function keepCompiledCode(environment: NodeJS.ProcessEnv): void {
  // Not where others can write too: what is kept is run.
  const directory = environment.PACKHORSE_CACHE_DIR || defaultCacheDirectory(environment);
  module.enableCompileCache?.(path.join(directory, 'code'));
}
