/** What the ids and names of a request stand for. */
import { notOurRef, protocolError } from '../errors.ts';
import type { CommandContext } from './command.ts';

/**
 * The numbers of what a client wants. The disk is looked at anew for what is not known: it may have come just now.
 * @throws PackhorseError `PACKHORSE_NOT_OUR_REF` when one is not there
 */
export async function findWants(
  { repository, pace }: CommandContext,
  wants: readonly string[],
): Promise<number[]> {
  const { view } = repository.objects;
  const found: number[] = [];
  for (const want of wants) {
    const number = view.findNow(want);
    if (number < 0) throw view.problems.length > 0 ? view.missing(want) : notOurRef(want);
    found.push(number);
    if (pace.due()) await pace.pause();
  }
  return found;
}

/** The refs that `deepen-not` names; hidden ones too, as in git. */
export async function findNot(
  { repository, pace }: CommandContext,
  names: readonly string[],
): Promise<number[]> {
  const { view } = repository.objects;
  const found: number[] = [];
  for (const name of names) {
    const refs = repository.refs.expand(name);
    if (refs.length === 0) {
      throw protocolError(`git upload-pack: deepen-not is not a ref: deepen-not ${name}`);
    }
    if (refs.length > 1) throw protocolError(`git upload-pack: ambiguous deepen-not: deepen-not ${name}`);
    const number = view.findHex(refs[0].oid!);
    if (number < 0) throw view.missing(refs[0].oid!);
    found.push(number);
    if (pace.due()) await pace.pause();
  }
  return found;
}
