/** From what a client wants and has to the pack: what all versions of the protocol end with. */
import type { Filter } from '../pack/filter.ts';
import { BLOB } from '../repository/object-format.ts';
import type { CommandContext } from './command.ts';
import { findTags } from './include-tag.ts';
import { openFilter } from './open-filter.ts';
import { packKey } from './pack-key.ts';
import { sendApart } from './send-apart.ts';
import { type Elsewhere, sendPack } from './send-pack.ts';
import type { ShallowPlan } from './shallow.ts';

export interface Wanted {
  /** Numbers of objects. */
  readonly wants: readonly number[];
  readonly haves: readonly number[];
  readonly plan: ShallowPlan;
  readonly filter: Filter | undefined;
  readonly elsewhere?: Elsewhere | undefined;
  /** Whether what a promisor remote has promised may be missing: it is left out. */
  readonly missingPromised?: boolean;
  readonly includeTag: boolean;
  readonly thinPack: boolean;
  readonly ofsDelta: boolean;
  readonly noProgress: boolean;
}

/** git's default. */
const KEEP_ALIVE = 5;

/** Sends the pack, in bands that are open by the time it begins, and closes them. */
export async function sendWanted(context: CommandContext, wanted: Wanted): Promise<void> {
  const {
    wants,
    haves,
    plan,
    filter,
    elsewhere,
    missingPromised,
    includeTag,
    thinPack,
    ofsDelta,
    noProgress,
  } = wanted;
  const kind = plan.announced ? 'shallow' : haves.length > 0 ? 'fetch' : 'clone';
  context.statistics.kind = kind;
  context.statistics.filtered = filter !== undefined;
  const visible = includeTag ? await findTags(context) : undefined;
  const request = {
    wants: [...wants, ...plan.wants],
    haves: [...haves, ...plan.excluded],
    grafts: plan.grafts,
    includeTags: visible?.pairs ?? [],
    filter: filter && openFilter(context, filter),
    missingPromised,
  };
  const lane = haves.length > 0 || isLazy(context, wants) ? 'fetch' : 'clone';
  context.watch.start('queue');
  const keepAlive = Math.max(0, context.repository.config.integer('uploadpack.keepalive', KEEP_ALIVE));
  // A client that filters may lack what it would have otherwise, so nothing is based on that.
  const thin = thinPack && filter === undefined;
  const naming = { filter, thin, ofsDelta, tags: visible?.digest };
  const key = context.namesPacks && !elsewhere ? packKey(context, request, naming) : undefined;
  const place = {
    lane,
    keepAlive,
    band: elsewhere ? 2 : 1,
    silent: noProgress,
    key,
    kind,
    directory: context.repository.commonDirectory,
  } as const;
  const leave = await context.sink.enter(place, context.statistics);
  if (leave === 'served') return;
  if (leave === 'here') {
    return sendPack(context, request, { thin, ofsDelta, silent: noProgress, elsewhere });
  }
  // Not awaited: it goes on for those who come later, whatever becomes of this client.
  void sendApart(context, leave, request, { thin, ofsDelta, silent: false });
}

/** Whether a partial clone asks for what it left out: single objects, which lead nowhere. */
function isLazy({ repository: { objects } }: CommandContext, wants: readonly number[]): boolean {
  return wants.length > 0 && wants.every((want) => objects.header(want).type === BLOB);
}
