/** Text that others have chosen, as it may go into every line of the log. */
import { redact } from './redact.ts';

/** Characters of what clients call themselves and ask for. */
const LONGEST = 512;

/** @param most characters that are kept */
export function plainText(text: string, most: number): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, most);
}

/** An agent, or the name of a repository. What is cut short may not be known for a secret, so that they go first. */
export function clientText(text: string): string {
  return plainText(redact(text), LONGEST);
}
