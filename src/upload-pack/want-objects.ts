/** What the ids and names of a request stand for. */
import { notOurRef, protocolError, unknownRef } from '../errors.ts';
import { textOf } from '../protocol/pkt-line.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { RefVisitor } from '../repository/refs.ts';
import type { Repository } from '../repository/repository.ts';
import { inStretches } from '../stretches.ts';
import type { CommandContext } from './command.ts';

/**
 * The number of what a client wants. The disk is looked at anew for what is not known: it may have come just now.
 * @throws PackhorseError `PACKHORSE_NOT_OUR_REF` when it is not there
 */
export function findWant(context: CommandContext, want: string): number | Promise<number> {
  const found = context.repository.objects.view.findHex(want);
  return found >= 0 ? found : findAnew(context, want);
}

async function findAnew({ repository, pace }: CommandContext, want: string): Promise<number> {
  const { view } = repository.objects;
  await inStretches(view.rescanning(), pace.pauseIfDue);
  const number = view.findHex(want);
  if (number < 0) throw view.problems.length > 0 ? view.missing(want) : notOurRef(want);
  return number;
}

/**
 * What refs that a client wants point at: ids (hex) by name, in the order of the names.
 * @param names in full, byte strings
 * @throws PackhorseError `PACKHORSE_NOT_OUR_REF` when one is not there, or hidden
 */
export async function resolveWants(
  { repository, pace }: CommandContext,
  names: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const { refs } = repository;
  const found = new Map<string, string>();
  const add = (name: string, oid: string | undefined) => {
    if (oid !== undefined && names.has(name) && !repository.isHidden(name)) found.set(name, oid);
    return undefined;
  };
  const visitor: RefVisitor = {
    loose: ({ name, oid }) => add(name, oid),
    stored: (ref) => add(ref.name(), ref.oidHex()),
  };
  if (names.size > 0) {
    await refs.prepare(pace.pauseIfDue);
    if (names.has('HEAD')) add('HEAD', refs.resolve('HEAD')?.oid);
    const prefixes = await inStretches(RefPrefixes.of([...names]), pace.pauseIfDue);
    await refs.visit(prefixes, visitor, pace.pauseIfDue);
  }
  const ordered = new Map<string, string>();
  for (const name of names) {
    const oid = found.get(name);
    if (oid === undefined) throw unknownRef(textOf(name));
    ordered.set(name, oid);
    if (pace.due()) await pace.pause();
  }
  return ordered;
}

/**
 * The number of what a ref points at that `deepen-not` names; hidden ones too, as in git.
 * @throws PackhorseError `PACKHORSE_PROTOCOL` when there is no such ref, or more than one
 */
export function findNot({ refs, objects: { view } }: Repository, name: string): number {
  const found = refs.expand(name);
  if (found.length === 0) throw protocolError(`git upload-pack: deepen-not is not a ref: deepen-not ${name}`);
  if (found.length > 1) throw protocolError(`git upload-pack: ambiguous deepen-not: deepen-not ${name}`);
  const number = view.findHex(found[0].oid!);
  if (number < 0) throw view.missing(found[0].oid!);
  return number;
}
