/** The v2 command `fetch`: its state machine (protocol section 1.6). */
import { DELIM, FLUSH } from '../protocol/pkt-line.ts';
import type { Command } from './command.ts';
import { readFilter } from './filters.ts';
import { offerPackfileUris } from './packfile-uris.ts';
import { readFetch } from './read-fetch.ts';
import { encodeSection, openPack } from './sections.ts';
import { sendWanted } from './send-wanted.ts';
import { planShallow, shallowLines } from './shallow.ts';

export const fetch: Command = async (context, args, { missingPromised }) => {
  const { repository, sink, pace, statistics, watch } = context;
  const { objects } = repository;
  const { view } = objects;
  watch.start('negotiate');
  const { request, named, common, haves, wantedRefs } = await readFetch(context, args);
  const wants = [...named.wants];
  const filter = readFilter(request.filter, repository);
  statistics.wants = wants.length;
  statistics.haves = haves;
  statistics.common = common.haves.length;
  if (wants.length === 0 && !request.waitForDone) return sink.closeBands(new Uint8Array());

  if (haves > 0 && !request.done) {
    const lines = ['acknowledgments\n'];
    if (common.haves.length === 0) lines.push('NAK\n');
    for (const number of common.acknowledged) lines.push(`ACK ${view.hex(number)}\n`);
    const ready = !request.waitForDone && (await common.isReady(wants, pace));
    if (!ready) return sink.closeBands(encodeSection(lines, FLUSH, sink));
    await sink.sendLines(encodeSection([...lines, 'ready\n'], DELIM, sink));
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
    await sink.sendLines(encodeSection(['shallow-info\n', ...shallowLines(plan, view)], DELIM, sink));
  }
  // git itself sends this before the shallow-info, where its own client does not look for it.
  if (wantedRefs.size > 0) {
    const lines = Array.from(wantedRefs, ([name, oid]) => `${oid} ${name}\n`);
    await sink.sendLines(encodeSection(['wanted-refs\n', ...lines], DELIM, sink));
  }
  const elsewhere = offerPackfileUris(repository, sink, request.uriProtocols);
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
