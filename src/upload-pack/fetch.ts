/** The v2 command `fetch`: its state machine (protocol section 1.6). */
import { DELIM, FLUSH } from '../protocol/pkt-line.ts';
import type { ObjectView } from '../repository/object-view.ts';
import type { Command } from './command.ts';
import { readFilter } from './filters.ts';
import type { Common } from './negotiate.ts';
import { offerPackfileUris } from './packfile-uris.ts';
import { readFetch } from './read-fetch.ts';
import { openPack, sendSection } from './sections.ts';
import { sendWanted } from './send-wanted.ts';
import { planShallow, type ShallowPlan, shallowLines } from './shallow.ts';

export const fetch: Command = async (context, args, { missingPromised }) => {
  const { repository, sink, pace, statistics, watch } = context;
  watch.start('negotiate');
  await repository.prepareObjects(pace.pauseIfDue);
  const { objects } = repository;
  const { view } = objects;
  const { request, named, common, haves, wantedRefs } = await readFetch(context, args);
  const wants = [...named.wants];
  const filter = readFilter(request.filter, repository);
  statistics.wants = wants.length;
  statistics.haves = haves;
  statistics.common = common.haves.length;
  if (wants.length === 0 && !request.waitForDone) return sink.closeBands(new Uint8Array());

  if (haves > 0 && !request.done) {
    const ready = !request.waitForDone && (await common.isReady(wants, pace));
    statistics.opened = common.source.opened;
    const lines = acknowledgments(common, ready);
    if (!ready) return sendSection(context, lines, FLUSH, (bytes) => sink.closeBands(bytes));
    await sendSection(context, lines, DELIM);
  }

  const limits = {
    ...request,
    wants,
    shallow: named.shallow,
    not: [...named.not],
    ownShallow: repository.shallow,
    announceOwn: true,
  };
  const plan = await planShallow(objects, limits, pace);
  if (plan.announced) {
    await sendSection(context, shallowInfo(plan, view), DELIM);
  }
  // git itself sends this before the shallow-info, where its own client does not look for it.
  if (wantedRefs.size > 0) {
    const lines = Array.from(wantedRefs, ([name, oid]) => `${oid} ${name}\n`);
    await sendSection(context, ['wanted-refs\n', ...lines], DELIM);
  }
  const elsewhere = await offerPackfileUris(context, request.uriProtocols);
  if (!elsewhere) await openPack(sink);
  // Not awaited: what was asked for is held no longer than it is needed.
  return sendWanted(context, {
    ...request,
    wants,
    haves: common.haves,
    plan,
    filter,
    elsewhere,
    missingPromised,
  });
};

function* acknowledgments({ haves, acknowledged, source }: Common, ready: boolean): Generator<string> {
  yield 'acknowledgments\n';
  if (haves.length === 0) yield 'NAK\n';
  for (const number of acknowledged) yield `ACK ${source.objects.view.hex(number)}\n`;
  if (ready) yield 'ready\n';
}

function* shallowInfo(plan: ShallowPlan, view: ObjectView): Generator<string> {
  yield 'shallow-info\n';
  yield* shallowLines(plan, view);
}
