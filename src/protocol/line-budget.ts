/** How much of a request may be kept while it is read and answered. */
import { busy, protocolError } from '../errors.ts';
import { ByteBudget } from './byte-budget.ts';

/** A mirror sends a line for each of its refs, a client that has nothing in common one for each of its commits. */
const MOST_LINES = 2_000_000;
/** Bytes that one request may keep: more than a million wants take. */
const MOST_BYTES = 96 * 1024 * 1024;

/** Of all requests of this thread: well below what its heap may grow to. */
const THREAD = new ByteBudget(384 * 1024 * 1024);

/** Bytes that a string takes beside its characters, with a place in a list or a set. */
const PER_TEXT = 64;
/** Seconds after which a request that found no room may be sent again. */
const RETRY_AFTER = 30;

export class LineBudget {
  readonly #share = THREAD.open();
  #lines = 0;

  /**
   * Counts a line that was read.
   * @throws PackhorseError `PACKHORSE_PROTOCOL` when it is one too many
   */
  count(): void {
    if (++this.#lines > MOST_LINES) throw tooLong();
  }

  /**
   * Counts memory that is kept until {@link release}.
   * @throws PackhorseError `PACKHORSE_PROTOCOL` when it is too much for one request, `PACKHORSE_BUSY` when the requests
   *   of this thread keep too much together
   */
  keep(bytes: number): void {
    if (this.#share.held + bytes > MOST_BYTES) throw tooLong();
    if (!this.#share.take(bytes)) throw busy('too many long requests', RETRY_AFTER);
  }

  /** {@link keep} for text. */
  keepText(text: string): void {
    this.keep(text.length + PER_TEXT);
  }

  release(): void {
    this.#share.release();
  }
}

function tooLong(): Error {
  return protocolError('the request is too long');
}
