/** The v2 command `fetch`: its state machine (protocol section 1.6). */
import { notOurRef, protocolError } from '../errors.ts';
import { CommitSource } from '../pack/commit-source.ts';
import type { CountRequest } from '../pack/count.ts';
import { type FetchRequest, parseFetch } from '../protocol/fetch-request.ts';
import { DELIM, encodePktLine, FLUSH } from '../protocol/pkt-line.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { RefVisitor } from '../repository/refs.ts';
import type { Command, CommandContext } from './command.ts';
import { readFilter } from './filters.ts';
import { peel } from './ls-refs.ts';
import { findCommon, isReady } from './negotiate.ts';
import { sendPack } from './send-pack.ts';
import { planShallow, type ShallowPlan } from './shallow.ts';

export const fetch: Command = async (context, args) => {
  const { repository, sink, pace, statistics, watch } = context;
  const { objects } = repository;
  const { view } = objects;
  watch.start('negotiate');
  const request = parseFetch(args, view.format.hexLength);
  const filter = readFilter(request.filter, repository);
  statistics.wants = request.wants.length;
  statistics.haves = request.haves.length;
  if (request.wants.length === 0 && !request.waitForDone) return;
  const wants: number[] = [];
  for (const want of request.wants) {
    const number = view.findNow(want);
    if (number < 0) throw view.problems.length > 0 ? view.missing(want) : notOurRef(want);
    wants.push(number);
    if (pace.due()) await pace.pause();
  }
  const source = new CommitSource(objects);
  const common = await findCommon(source, request.haves, pace);
  statistics.common = common.haves.length;

  if (request.haves.length > 0 && !request.done) {
    const lines = ['acknowledgments\n'];
    if (common.haves.length === 0) lines.push('NAK\n');
    for (const number of common.acknowledged) lines.push(`ACK ${view.hex(number)}\n`);
    const ready = !request.waitForDone && (await isReady(source, wants, common, pace));
    if (ready) lines.push('ready\n');
    const packets = lines.map((line) => encodePktLine(line));
    await sink.sendLines(Buffer.concat([...packets, ready ? DELIM : FLUSH]));
    if (!ready) return;
  }

  const not = request.not.length > 0 ? await findNot(context, request.not) : undefined;
  const plan = await planShallow(objects, { ...request, wants, not, ownShallow: repository.shallow }, pace);
  statistics.kind = plan.announced ? 'shallow' : common.haves.length > 0 ? 'fetch' : 'clone';
  if (plan.announced) await sink.sendLines(encodeShallowInfo(plan, (number) => view.hex(number)));
  await sink.openPack(encodePktLine('packfile\n'));
  const wanted: CountRequest = {
    wants: [...wants, ...plan.wants],
    haves: [...common.haves, ...plan.excluded],
    grafts: plan.grafts,
    includeTags: request.includeTag ? await findTags(context, source) : [],
    filter,
  };
  await sendPack(context, wanted, packOptions(request));
};

/** A client that filters may lack what it would have otherwise, so nothing is based on that. */
function packOptions({ thinPack, ofsDelta, noProgress, filter }: FetchRequest) {
  return { thin: thinPack && filter === undefined, ofsDelta, silent: noProgress };
}

/** The refs that `deepen-not` names; hidden ones too, as in git. */
async function findNot({ repository, pace }: CommandContext, names: readonly string[]): Promise<number[]> {
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

function encodeShallowInfo(plan: ShallowPlan, hex: (number: number) => string): Uint8Array {
  return Buffer.concat([
    encodePktLine('shallow-info\n'),
    ...plan.shallow.map((number) => encodePktLine(`shallow ${hex(number)}`)),
    ...plan.unshallow.map((number) => encodePktLine(`unshallow ${hex(number)}`)),
    DELIM,
  ]);
}

/** Tags that clients may see, with what each points at in the end. */
async function findTags(
  { repository, pace }: CommandContext,
  source: CommitSource,
): Promise<CountRequest['includeTags']> {
  const { view } = repository.objects;
  const tags: { tag: number; target: number }[] = [];
  const addPeeled = (tag: number) => {
    const peeled = tag < 0 ? undefined : peel(tag, source);
    if (peeled && peeled.tags.length > 0) tags.push({ tag, target: peeled.target });
    return undefined;
  };
  const visitor: RefVisitor = {
    loose: (ref) => (repository.isHidden(ref.name) ? undefined : addPeeled(view.findHex(ref.oid))),
    packed(line) {
      if (line.peeled < 0 && line.peeledKnown) return undefined;
      if (repository.hidesRefs && repository.isHidden(line.name())) return undefined;
      const tag = view.find(line.oid);
      if (line.peeled < 0) return addPeeled(tag);
      const target = view.find(line.peeledOid());
      if (tag >= 0 && target >= 0) tags.push({ tag, target });
      return undefined;
    },
  };
  const pause = () => (pace.due() ? pace.pause() : undefined);
  await repository.refs.visit(new RefPrefixes(['refs/tags/']), visitor, pause);
  return tags;
}
