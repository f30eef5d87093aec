/** `packhorse explain`: what serving a repository costs, and what would make it cheaper. */
import { explain } from '../explain/explain.ts';
import { textOf } from './explain-text.ts';
import { ConfigError, splitArguments } from './flags.ts';
import { EXPLAIN_HELP } from './help.ts';

const FLAGS = [{ name: 'json', help: 'everything, as JSON' }];
const SEE_HELP = '; see packhorse explain --help';

/**
 * @param args what stands behind `explain`
 * @returns the exit code: 1 where a clone fails
 * @throws ConfigError; a PackhorseError where nothing can be said of the repository
 */
export async function explainRepository(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(EXPLAIN_HELP);
    return 0;
  }
  const { given, others } = splitArguments(args, FLAGS, SEE_HELP);
  if (others.length !== 1) throw new ConfigError(`say which repository, as one path${SEE_HELP}`);
  const report = await explain(others[0], (text) => {
    if (process.stderr.isTTY) process.stderr.write(text);
  });
  process.stdout.write(given.has('json') ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
  return report.failure ? 1 : 0;
}
