/** Protocol v0 and v1 (protocol section 2): wants, shallow lines, haves, pack. */
import { CommitSource } from '../pack/commit-source.ts';
import type { PacketInput } from '../protocol/packet-input.ts';
import { FLUSH } from '../protocol/pkt-line.ts';
import { readUploadRequest } from '../protocol/upload-request.ts';
import { NumberSet } from '../repository/number-set.ts';
import { acknowledge } from './acknowledge.ts';
import { advertiseRefs } from './advertise-refs.ts';
import { checkWants } from './check-wants.ts';
import type { CommandContext } from './command.ts';
import { allowsFilters, readFilter } from './filters.ts';
import type { Tips } from './list-refs.ts';
import { NamedObjects } from './named-objects.ts';
import { Common } from './negotiate.ts';
import { sendSection } from './sections.ts';
import { sendWanted } from './send-wanted.ts';
import { planShallow, shallowLines } from './shallow.ts';

/** Advertises, then answers what the client asks on the same connection. */
export async function converseV0(context: CommandContext, input: PacketInput, version: 0 | 1): Promise<void> {
  await context.repository.prepareObjects(context.pace.pauseIfDue);
  const { view } = context.repository.objects;
  const tips = { visible: new NumberSet(view), hidden: new NumberSet(view) };
  context.statistics.command = 'advertise';
  await advertiseRefs(context, { version, stateless: false, tips });
  return answerV0(context, input, tips);
}

/**
 * Answers one request.
 * @param advertised what its client has been told of on the same connection; undefined where each request stands alone
 */
export async function answerV0(
  context: CommandContext,
  input: PacketInput,
  advertised?: Tips,
): Promise<void> {
  const { repository, sink, pace, statistics, watch, budget } = context;
  watch.start('negotiate');
  await repository.prepareObjects(pace.pauseIfDue);
  const { objects } = repository;
  const { view } = objects;
  const stateless = advertised === undefined;
  const limits = { hexLength: view.format.hexLength, filters: allowsFilters(repository), budget };
  const named = new NamedObjects(context);
  const request = await readUploadRequest(input, limits, (argument) => {
    if (argument.kind === 'want') statistics.command = 'fetch';
    return named.take(argument) ?? (pace.due() ? pace.pause() : undefined);
  });
  const wants = [...named.wants];
  if (wants.length === 0) return;
  statistics.wants = wants.length;
  await objects.prepareGraph(pace.pauseIfDue);
  const filter = readFilter(request.filter, repository);
  await checkWants(context, { wants, advertised });

  const { shallow } = named;
  const ownShallow = repository.shallow;
  const asked = { ...request, wants, shallow, not: [...named.not], ownShallow, announceOwn: false };
  const plan = await planShallow(objects, asked, pace);
  if (plan.announced) {
    await sendSection(context, shallowLines(plan, view), FLUSH);
  }
  // Such a client reads where its history is cut, then sends what it has in another request.
  if (stateless && (await input.isAtEnd())) return;

  const common = new Common(new CommitSource(objects, plan.grafts), budget);
  // What was cut off and is now sent must be reached as well.
  const negotiation = { ...request, wants: [...wants, ...plan.wants], stateless, budget };
  const isEnough = await acknowledge(input, sink, common, negotiation, pace);
  statistics.haves = common.haves.length;
  statistics.common = common.haves.length;
  statistics.opened = common.source.opened;
  if (!isEnough) return;
  await sink.openBands(new Uint8Array(), request.framing);
  // Not awaited: what was asked for is held no longer than it is needed.
  return sendWanted(context, { ...request, wants, haves: common.haves, plan, filter });
}
