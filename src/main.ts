#!/usr/bin/env node
/** The executable `packhorse`. */
import { ConfigError, oneLine } from './cli/flags.ts';
import { HELP } from './cli/help.ts';
import { serve } from './cli/serve.ts';
import { VERSION } from './version.ts';

/** Exit codes: 0 done, 1 failed, 2 called wrongly. */
async function main([command, ...rest]: readonly string[]): Promise<number> {
  switch (command) {
    case 'serve':
      return serve(rest);
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

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`packhorse: ${oneLine((error as Error).message)}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
