/** What a target of the fuzz loop is. */
import { PackhorseError } from '../../src/errors.ts';
import type { Random } from './random.ts';

export interface Target {
  /** Also the name of its directories in `corpus/` and `crashes/`. */
  readonly name: string;
  /** One line for `--list`. */
  readonly reads: string;
  /** Good inputs to start from. */
  seeds(): readonly Buffer[];
  /** Words that the format knows: mutations put them in. */
  readonly tokens?: readonly (string | Buffer)[];
  /** Changes an input as one who knows the format would; half of all mutations, where it is there. */
  mutate?(input: Buffer, random: Random): Buffer;
  /** Makes hashes and checksums right again, so that damage comes through to what lies behind them; mostly applied. */
  repair?(input: Buffer): Buffer;
  /**
   * Reads an input. What it throws is a finding, but for documented errors ({@link isDocumented}); so is what takes
   * too long or too much memory.
   */
  run(input: Buffer): void | Promise<void>;
}

/** What bad input must not give: a defect, or a machine that fails. */
const NO_REFUSAL = ['PACKHORSE_INTERNAL', 'PACKHORSE_IO'];

/** Whether an error is one that bad input should give: one of Packhorse's own. */
export function isDocumented(error: unknown): boolean {
  return error instanceof PackhorseError && !NO_REFUSAL.includes(error.code);
}

/** What `read` gives; undefined where it throws a documented error. */
export function orRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isDocumented(error)) return undefined;
    throw error;
  }
}

/** Whether `read` throws no documented error. */
export function succeeds(read: () => void): boolean {
  return (
    orRefused(() => {
      read();
      return true;
    }) === true
  );
}

/** Says that something is not as it must be. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`not so: ${what}`);
}
