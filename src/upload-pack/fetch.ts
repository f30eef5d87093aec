/** The v2 command `fetch`: its state machine (protocol section 1.6). */
import { protocolError } from '../errors.ts';
import { CommitSource } from '../pack/commit-source.ts';
import { parseFetch } from '../protocol/fetch-request.ts';
import { DELIM, encodePktLine, FLUSH } from '../protocol/pkt-line.ts';
import type { Command } from './command.ts';
import { readFilter } from './filters.ts';
import { Common } from './negotiate.ts';
import { sendWanted } from './send-wanted.ts';
import { planShallow, shallowLines } from './shallow.ts';
import { findNot, findWants } from './want-objects.ts';

export const fetch: Command = async (context, { lines: args, flushed }) => {
  const { repository, sink, pace, statistics, watch } = context;
  const { objects } = repository;
  const { view } = objects;
  watch.start('negotiate');
  const request = parseFetch(args, view.format.hexLength);
  if (!flushed) throw protocolError('expected flush after fetch arguments');
  const filter = readFilter(request.filter, repository);
  statistics.wants = request.wants.length;
  statistics.haves = request.haves.length;
  if (request.wants.length === 0 && !request.waitForDone) return;
  const wants = await findWants(context, request.wants);
  const common = new Common(new CommitSource(objects));
  for (const have of request.haves) {
    common.add(have);
    if (pace.due()) await pace.pause();
  }
  statistics.common = common.haves.length;

  if (request.haves.length > 0 && !request.done) {
    const lines = ['acknowledgments\n'];
    if (common.haves.length === 0) lines.push('NAK\n');
    for (const number of common.acknowledged) lines.push(`ACK ${view.hex(number)}\n`);
    const ready = !request.waitForDone && (await common.isReady(wants, pace));
    if (ready) lines.push('ready\n');
    const packets = lines.map((line) => encodePktLine(line));
    await sink.sendLines(Buffer.concat([...packets, ready ? DELIM : FLUSH]));
    if (!ready) return;
  }

  const not = await findNot(context, request.not);
  const limits = { ...request, wants, not, ownShallow: repository.shallow, announceOwn: true };
  const plan = await planShallow(objects, limits, pace);
  if (plan.announced) {
    const lines = ['shallow-info\n', ...shallowLines(plan, view)];
    await sink.sendLines(Buffer.concat([...lines.map((line) => encodePktLine(line)), DELIM]));
  }
  await sink.openBands(encodePktLine('packfile\n'), 'side-band-64k');
  await sendWanted(context, { ...request, wants, haves: common.haves, plan, filter });
};
