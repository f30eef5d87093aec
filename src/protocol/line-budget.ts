/** How long a request may be whose lines are kept until it has come to its end. */
import { protocolError } from '../errors.ts';

/** A mirror of some hundred thousand refs sends a line for each. */
const MOST_LINES = 1_000_000;
/** More than so many ids take. */
const MOST_BYTES = 96 * 1024 * 1024;

export class LineBudget {
  #lines = 0;
  #bytes = 0;

  /** @throws PackhorseError `PACKHORSE_PROTOCOL` when a line is one too many */
  take(line: string): void {
    this.#lines++;
    this.#bytes += line.length;
    if (this.#lines > MOST_LINES || this.#bytes > MOST_BYTES) throw protocolError('the request is too long');
  }
}
