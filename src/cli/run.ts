/** The commands of the executable but `upload-pack`. */
import { VERSION } from '../version.ts';
import { ConfigError, oneLine } from './flags.ts';
import { HELP } from './help.ts';

/** @returns the exit code: 0 done, 1 failed, 2 called wrongly */
export async function run(command: string | undefined, args: readonly string[]): Promise<number> {
  try {
    return await runCommand(command, args);
  } catch (error) {
    process.stderr.write(`packhorse: ${oneLine((error as Error).message)}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

async function runCommand(command: string | undefined, args: readonly string[]): Promise<number> {
  switch (command) {
    case 'serve': {
      const { serve } = await import('./serve.ts');
      return serve(args);
    }
    case 'cache': {
      const { cache } = await import('./cache.ts');
      return cache(args);
    }
    case 'explain': {
      const { explainRepository } = await import('./explain.ts');
      return explainRepository(args);
    }
    case 'token': {
      const { token } = await import('./token.ts');
      return token(args);
    }
    case '--version':
      process.stdout.write(`packhorse ${VERSION}\n`);
      return 0;
    case '--help':
    case '-h':
      process.stdout.write(HELP);
      return 0;
    case undefined:
      throw new ConfigError('say what to do, such as packhorse serve; see packhorse --help');
    default:
      throw new ConfigError(`no command ${command}; see packhorse --help`);
  }
}
