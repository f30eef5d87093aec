/** What `--help` prints. */
import { environmentName, type Flag, SERVE_FLAGS } from './flags.ts';

const WIDTH = 80;
const INDENT = ' '.repeat(6);
/** A space at which no line is broken. */
const NO_BREAK = '\u00a0';

export const HELP = `packhorse: a git fetch server

Usage:
  packhorse serve [flags]          serve every repository below a directory
  packhorse serve --help           the flags and their environment variables
  packhorse upload-pack DIR        serve one client on stdin and stdout, as
                                   git upload-pack does, with its arguments
  packhorse upload-pack --server URL PATH
                                   hand that client on to a running service
  packhorse cache ls               what is kept to be sent again
  packhorse cache purge REPO       remove what is kept of a repository
  packhorse cache --help           their flags
  packhorse explain DIR [--json]   what serving a repository costs, and what
                                   would make it cheaper
  packhorse token new NAME --token-file FILE
                                   make a token, for serve --auth token
  packhorse --help                 this text
  packhorse --version              the version

Exit codes: 0 done, 1 failed, 2 called wrongly; those of upload-pack are git's.
`;

export const CACHE_HELP = `packhorse cache: streams that are kept to be sent again

Usage:
  packhorse cache ls [--json]      list them: repository, kind, size, age,
                                   time since the last use, part of the key
  packhorse cache purge REPO       remove those of a repository, whatever path
                                   clients asked for, and objects kept of it:
                                   named as ls or clients do (.git may be left
                                   out), by its path on disk, or the end of that
  packhorse cache purge --all      remove all of both

  --cache-dir DIR
      the directory that the service has (default: packhorse below
      $XDG_CACHE_HOME, or below ~/.cache)
      PACKHORSE_CACHE_DIR

All of it may be done while a service uses the directory: clients that are being
served from what is removed are served to the end, the next one has it built
anew.
`;

export const EXPLAIN_HELP = `packhorse explain: what serving a repository costs

Usage:
  packhorse explain DIR            look at the repository on disk at DIR, serve a
                                   clone of it to no one, and say what that took
                                   and what would make it cheaper
  packhorse explain DIR --json     everything, as JSON

Nothing is written, and no service is needed. It takes as long as a clone does.
`;

export const TOKEN_HELP = `packhorse token: tokens for packhorse serve --auth token

Usage:
  packhorse token new NAME --token-file FILE
      make a token and print it, once; FILE, which is made where it is missing,
      gets its name and its hash

In FILE names stand in clear, and they go into the log: whoever reads it knows
who has a token. Of tokens it has only hashes, which open nothing.

A service that uses the file takes the token at once. To take it back, remove
the line that has its name.
`;

export function serveHelp(): string {
  const rows = (SERVE_FLAGS as readonly Flag[]).map((flag) => {
    const left = `--${flag.name}${flag.value ? ` ${flag.value}` : ''}`;
    const standard = flag.default === undefined ? '' : ` (default:${NO_BREAK}${flag.default})`;
    return `  ${left}\n${wrap(flag.help + standard)}\n${INDENT}${environmentName(flag)}\n`;
  });
  return `packhorse serve: serve every repository below a directory over HTTP

Usage: packhorse serve [flags]

A repository is reached by its path: http://HOST:PORT/group/name.git
Each flag has an environment variable, named below it. The flag wins; an empty
variable counts as none. A switch is true, false, 1 or 0 in its variable.

${rows.join('')}`;
}

function wrap(text: string): string {
  const lines = [INDENT];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line.length + 1 + word.length > WIDTH && line !== INDENT) lines.push(INDENT + word);
    else lines[lines.length - 1] = line === INDENT ? line + word : `${line} ${word}`;
  }
  return lines.join('\n').replaceAll(NO_BREAK, ' ');
}
