/** `packhorse token`: makes tokens for `packhorse serve --auth token`. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTokenName, newToken, parseTokens } from '../front/auth/token-file.ts';
import { ConfigError, type Flag, oneLine, splitArguments } from './flags.ts';
import { TOKEN_HELP } from './help.ts';

const FILE_FLAG: Flag = { name: 'token-file', value: 'FILE', help: 'the file that the service has' };
const SEE_HELP = '; see packhorse token --help';
/** Milliseconds between two looks whether others are done with the file, and how many looks. */
const RETRY = 50;
const MOST_TRIES = 100;

/**
 * @param args what stands behind `token`
 * @returns the exit code
 * @throws ConfigError; an Error where the file cannot be read or written
 */
export async function token(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(TOKEN_HELP);
    return 0;
  }
  const [action, ...rest] = args;
  if (action !== 'new') throw new ConfigError(`say token new${SEE_HELP}`);
  const { given, others } = splitArguments(rest, [FILE_FLAG], SEE_HELP);
  const file = given.get(FILE_FLAG.name)?.at(-1)?.text ?? process.env.PACKHORSE_TOKEN_FILE;
  if (!file) throw new ConfigError(`say where its hash goes with --token-file FILE${SEE_HELP}`);
  if (others.length !== 1) throw new ConfigError(`say one name for the token${SEE_HELP}`);
  const [name] = others;
  if (!isTokenName(name)) {
    throw new ConfigError(`${name} is no name for a token: 1 to 64 of letters, digits and _ . @ -`);
  }
  const full = path.resolve(file);
  const made = await alone(full, () => addToken(full, name));
  process.stderr.write(`This is the token; it is not kept, only its hash in ${oneLine(file)}:\n`);
  process.stdout.write(`${made}\n`);
  return 0;
}

/** Two that add a name at once would both find it free; a file that has it twice lets no one in. */
async function alone<T>(file: string, change: () => T): Promise<T> {
  const lock = `${file}.lock`;
  for (let tries = 1; !take(lock); tries++) {
    if (tries === MOST_TRIES) throw new Error(`${file} is being changed; if it is not, remove ${lock}`);
    await sleep(RETRY);
  }
  try {
    return change();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

function take(lock: string): boolean {
  try {
    fs.writeFileSync(lock, '', { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** @returns the token, which nothing else has */
function addToken(file: string, name: string): string {
  const before = read(file);
  if (parse(file, before).some((known) => known.name === name)) {
    throw new Error(`${file} has a token ${name} already; remove its line to take it back`);
  }
  const { token: made, line } = newToken(name);
  const gap = before === '' || before.endsWith('\n') ? '' : '\n';
  // One write at the end of the file: a service that reads meanwhile sees all of the line or nothing.
  fs.appendFileSync(file, `${gap}${line}\n`, { mode: 0o600 });
  return made;
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function parse(file: string, content: string) {
  try {
    return parseTokens(content);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  }
}
