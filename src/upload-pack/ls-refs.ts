/** The v2 command `ls-refs` (protocol section 1.4). */
import { protocolError, repositoryUnsupported } from '../errors.ts';
import { LsRefsDraft, type LsRefsRequest } from '../protocol/ls-refs-request.ts';
import { FLUSH } from '../protocol/pkt-line.ts';
import type { GitConfig } from '../repository/config.ts';
import type { Command } from './command.ts';
import type { LineBuffer } from './line-buffer.ts';
import { listRefs, type RefFormat } from './list-refs.ts';

/** Prefixes of a request whose answer is kept: a long list of names is hardly asked for twice. */
const MOST_PREFIXES = 64;

export const lsRefs: Command = async (context, args) => {
  const { pace } = context;
  const draft = new LsRefsDraft(context.budget);
  const flushed = await args.each((line) => {
    draft.take(line);
    return pace.due() ? pace.pause() : undefined;
  });
  if (!flushed) throw protocolError('expected flush after ls-refs arguments');
  const { request } = draft;
  // As with git a bad value matters where it is asked for.
  const unborn = request.unborn ? unbornMode(context.repository.config) : 'ignore';
  const { prefixes } = request;
  await listRefs(context, {
    prefixes,
    key: prefixes.length <= MOST_PREFIXES ? ['ls-refs', unborn, request] : undefined,
    format: (lines) => lsRefsFormat(lines, request, unborn !== 'ignore'),
  });
};

/** @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` */
export function unbornMode(config: GitConfig): string {
  const mode = config.get('lsrefs.unborn') ?? 'advertise';
  if (['advertise', 'allow', 'ignore'].includes(mode)) return mode;
  throw repositoryUnsupported(`invalid value for 'lsrefs.unborn': '${mode}'`);
}

/** `<oid> <name>[ symref-target:<target>][ peeled:<oid>]` */
function lsRefsFormat(lines: LineBuffer, request: LsRefsRequest, unbornAllowed: boolean): RefFormat {
  const { peel, symrefs, unborn } = request;
  const format: RefFormat = {
    peels: peel,
    ref(oid, { name, target }, peeled) {
      lines.text(`${oid} ${name}`);
      if (symrefs && target) lines.text(` symref-target:${target}`);
      if (peeled) lines.text(` peeled:${peeled}`);
      return lines.end();
    },
    stored(ref) {
      ref.put(lines);
      if (peel && ref.peeled >= 0) {
        lines.text(' peeled:');
        ref.putPeeled(lines);
      }
      return lines.end();
    },
    finish: () => lines.finish(FLUSH),
  };
  if (!unborn || !symrefs || !unbornAllowed) return format;
  return {
    ...format,
    unborn(target) {
      lines.text(`unborn HEAD symref-target:${target}`);
      return lines.end();
    },
  };
}
