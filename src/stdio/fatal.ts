/** What an operator reads of a failure: the texts of git, on standard error. */
import { asPackhorseError, type PackhorseError } from '../errors.ts';

/** The exit code of a failure. */
export const FATAL = 128;

/** Prints `fatal: <text>`; control characters but tabs and line ends become question marks, as with git. */
export function printFatal(text: string): void {
  process.stderr.write(`fatal: ${text.replaceAll(/(?![\t\n])\p{Cc}/gu, '?')}\n`);
}

/** git's words for an error. */
export function fatalText(error: unknown, directory: string): string {
  const known: PackhorseError = asPackhorseError(error);
  if (known.code === 'PACKHORSE_REPOSITORY_NOT_FOUND') return notARepository(directory);
  // git's own log names the program in full.
  return known.message.startsWith('upload-pack: ') ? `git ${known.message}` : known.message;
}

export function notARepository(directory: string): string {
  return `'${directory}' does not appear to be a git repository`;
}
