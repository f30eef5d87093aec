#!/usr/bin/env node
/** The executable `packhorse`. */
import { ConfigError } from './cli/config.ts';
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
    default:
      throw new ConfigError(
        command === undefined
          ? 'say what to do; see packhorse --help'
          : `no command ${command}; see packhorse --help`,
      );
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`packhorse: ${(error as Error).message}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
