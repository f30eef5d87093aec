/** What `--help` prints. */
import { environmentName, type Flag, SERVE_FLAGS } from './flags.ts';

export const HELP = `packhorse: a git fetch server for forges

Usage:
  packhorse serve [flags]   serve every repository below a directory over HTTP
  packhorse --help          this text; packhorse serve --help lists the flags
  packhorse --version       the version
`;

export function serveHelp(): string {
  const rows = (SERVE_FLAGS as readonly Flag[]).map((flag) => {
    const left = `--${flag.name}${flag.value ? ` ${flag.value}` : ''}`;
    const standard = flag.default === undefined ? '' : ` (default: ${flag.default})`;
    return `  ${left}\n      ${flag.help}${standard}\n      ${environmentName(flag)}\n`;
  });
  return `packhorse serve: serve every repository below a directory over HTTP

A repository is reached by its path: http://HOST:PORT/group/name.git
Every flag can be given as the environment variable below it; the flag wins.

${rows.join('')}`;
}
