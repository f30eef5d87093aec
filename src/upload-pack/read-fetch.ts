/** A request to fetch: its lines are read one after the other, and what they name looked up. */
import { protocolError } from '../errors.ts';
import { CommitSource } from '../pack/commit-source.ts';
import { type FetchRequest, FetchRequestDraft, type ImmediateArgument } from '../protocol/fetch-request.ts';
import type { Arguments } from '../protocol/v2-request.ts';
import type { CommandContext } from './command.ts';
import { fetchFeatures } from './fetch-features.ts';
import { NamedObjects } from './named-objects.ts';
import { Common } from './negotiate.ts';
import { FRAMING } from './sections.ts';
import { endsOf } from './shallow.ts';
import { findWant, resolveWants } from './want-objects.ts';

export interface Asked {
  readonly request: FetchRequest;
  readonly named: NamedObjects;
  /** What the client has, as far as it is here. */
  readonly common: Common;
  /** Lines in which it says what it has. */
  readonly haves: number;
  /** What the refs that are wanted by name point at: id (hex) by name, in the order of the request. */
  readonly wantedRefs: ReadonlyMap<string, string>;
}

/** Refs that are looked up together: many at once take far less time than one after the other. */
const MOST_NAMES = 10_000;

/**
 * From a line `sideband-all` on bands are open.
 * @throws PackhorseError `PACKHORSE_PROTOCOL`, `PACKHORSE_NOT_OUR_REF`, `PACKHORSE_BUSY`
 */
export async function readFetch(context: CommandContext, args: Arguments): Promise<Asked> {
  const { repository, pace } = context;
  const { hexLength } = repository.format;
  const draft = new FetchRequestDraft(hexLength, fetchFeatures(repository), context.budget);
  const { objects, shallow } = repository;
  await objects.prepareGraph(pace.pauseIfDue);
  const reader = new FetchReader(context, await endsOf(shallow, objects.view, pace));
  const flushed = await args.each((line) => {
    const argument = draft.take(line);
    const taken = argument && reader.take(argument);
    return taken ?? (pace.due() ? pace.pause() : undefined);
  });
  await reader.lookUp();
  if (!flushed) throw protocolError('expected flush after fetch arguments');
  return reader.asked(draft.request);
}

class FetchReader {
  readonly #context: CommandContext;
  readonly #named: NamedObjects;
  readonly #common: Common;
  readonly #wantedRefs = new Map<string, string>();
  /** Names of refs that are not looked up yet. */
  readonly #names = new Set<string>();
  #haves = 0;

  /** @param ends where history is cut */
  constructor(context: CommandContext, ends: ReadonlySet<number>) {
    this.#context = context;
    this.#named = new NamedObjects(context);
    this.#common = new Common(new CommitSource(context.repository.objects, ends), context.budget);
  }

  take(argument: ImmediateArgument): Promise<void> | undefined {
    switch (argument.kind) {
      case 'have':
        this.#haves++;
        this.#common.add(argument.oid);
        return undefined;
      case 'want-ref':
        return this.#takeName(argument.name);
      case 'sideband-all':
        return this.#openBands();
      default:
        return this.#named.take(argument);
    }
  }

  async lookUp(): Promise<void> {
    const { pace } = this.#context;
    for (const [name, oid] of await resolveWants(this.#context, this.#names)) {
      this.#wantedRefs.set(name, oid);
      this.#named.addWant(await findWant(this.#context, oid));
      if (pace.due()) await pace.pause();
    }
    this.#names.clear();
  }

  asked(request: FetchRequest): Asked {
    return {
      request,
      named: this.#named,
      common: this.#common,
      haves: this.#haves,
      wantedRefs: this.#wantedRefs,
    };
  }

  #takeName(name: string): Promise<void> | undefined {
    const isKnown = this.#names.has(name) || this.#wantedRefs.has(name);
    if (isKnown) throw protocolError(`duplicate want-ref ${name}`);
    this.#context.budget.keepText(name);
    this.#names.add(name);
    return this.#names.size < MOST_NAMES ? undefined : this.lookUp();
  }

  async #openBands(): Promise<void> {
    const { sink } = this.#context;
    if (sink.framing === FRAMING) return;
    await this.lookUp();
    await sink.openBands(new Uint8Array(), FRAMING);
  }
}
