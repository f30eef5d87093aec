/** A request to fetch: its lines are read one after the other, and what they want looked up. */
import { protocolError } from '../errors.ts';
import { type FetchRequest, FetchRequestDraft } from '../protocol/fetch-request.ts';
import type { Arguments } from '../protocol/v2-request.ts';
import type { CommandContext } from './command.ts';
import { fetchFeatures } from './fetch-features.ts';
import { FRAMING } from './sections.ts';
import { findWant, resolveWants } from './want-objects.ts';

export interface Asked {
  readonly request: FetchRequest;
  /** Numbers of objects, each once. */
  readonly wants: readonly number[];
  /** What the refs that are wanted by name point at: id (hex) by name, in the order of the request. */
  readonly wantedRefs: ReadonlyMap<string, string>;
}

/**
 * From a line `sideband-all` on bands are open.
 * @throws PackhorseError `PACKHORSE_PROTOCOL`, `PACKHORSE_NOT_OUR_REF`
 */
export async function readFetch(context: CommandContext, { lines, flushed }: Arguments): Promise<Asked> {
  const { repository, pace, sink } = context;
  const draft = new FetchRequestDraft(repository.format.hexLength, fetchFeatures(repository));
  const wants = new Set<number>();
  const wantedRefs = new Map<string, string>();
  /** Names of refs that are not looked up yet: many at once take far less time than one after the other. */
  const names = new Set<string>();
  const lookUp = async () => {
    for (const [name, oid] of await resolveWants(context, names)) {
      wantedRefs.set(name, oid);
      wants.add(findWant(repository, oid));
      if (pace.due()) await pace.pause();
    }
    names.clear();
  };
  for (const line of lines) {
    const argument = draft.take(line);
    switch (argument?.kind) {
      case 'want':
        wants.add(findWant(repository, argument.oid));
        break;
      case 'want-ref': {
        const { name } = argument;
        const isKnown = names.has(name) || wantedRefs.has(name);
        if (isKnown) throw protocolError(`duplicate want-ref ${name}`);
        names.add(name);
        break;
      }
      case 'sideband-all':
        if (sink.framing === FRAMING) break;
        await lookUp();
        await sink.openBands(new Uint8Array(), FRAMING);
    }
    if (pace.due()) await pace.pause();
  }
  await lookUp();
  if (!flushed) throw protocolError('expected flush after fetch arguments');
  return { request: draft.request, wants: [...wants], wantedRefs };
}
