/** The v2 command `ls-refs` (protocol section 1.4). */
import { CommitSource } from '../pack/commit-source.ts';
import { type LsRefsRequest, parseLsRefs } from '../protocol/ls-refs-request.ts';
import { FLUSH } from '../protocol/pkt-line.ts';
import { TAG } from '../repository/object-format.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { Ref } from '../repository/refs.ts';
import type { Command } from './command.ts';

/** Ref lines leave in batches of about this many bytes. */
const BATCH_BYTES = 64 * 1024;

export const lsRefs: Command = async (context, args) => {
  const { repository, sink, pace, statistics } = context;
  const unbornMode = repository.config.get('lsrefs.unborn') ?? 'advertise';
  const request = parseLsRefs(args);
  const source = new CommitSource(repository.objects);
  const { view } = repository.objects;
  const prefixes = new RefPrefixes(request.prefixes);
  const isListed = (name: string) => !repository.isHidden(name) && prefixes.matches(name);

  let batch: Buffer[] = [];
  let batchBytes = 0;
  const add = async (line: string) => {
    const text = Buffer.from(`0000${line}\n`, 'latin1');
    text.write(text.length.toString(16).padStart(4, '0'), 'latin1');
    batch.push(text);
    batchBytes += text.length;
    statistics.refs++;
    if (batchBytes < BATCH_BYTES) return;
    await sink.sendLines(Buffer.concat(batch));
    batch = [];
    batchBytes = 0;
  };

  const head = isListed('HEAD') ? repository.refs.resolve('HEAD') : undefined;
  if (head?.oid) {
    await add(refLine(head, head.oid, request, source));
  } else if (head?.target && request.unborn && request.symrefs && unbornMode !== 'ignore') {
    await add(`unborn HEAD symref-target:${head.target}`);
  }
  const refs = await repository.refs.list(prefixes, () => (pace.due() ? pace.pause() : undefined));
  for (const ref of refs) {
    // First of all: most refs may be hidden, and what passes them over takes time too.
    if (pace.due()) await pace.pause();
    if (!isListed(ref.name) || !ref.oid) continue;
    if (view.findHex(ref.oid) < 0) {
      // Left out, as git does; but a client that prunes must not take a damaged pack for deleted branches.
      if (view.problems.length > 0) throw view.missing(ref.oid);
      continue;
    }
    await add(refLine(ref, ref.oid, request, source));
  }
  batch.push(Buffer.from(FLUSH));
  await sink.sendLines(Buffer.concat(batch));
};

function refLine(ref: Ref, oid: string, request: LsRefsRequest, source: CommitSource): string {
  let line = `${oid} ${ref.name}`;
  if (request.symrefs && ref.target) line += ` symref-target:${ref.target}`;
  if (request.peel) {
    const peeled = ref.peeled === undefined ? peel(oid, source) : ref.peeled;
    if (peeled) line += ` peeled:${peeled}`;
  }
  return line;
}

/** What a tag points at in the end; null for what is no tag, or leads nowhere. */
export function peel(oid: string, source: CommitSource): string | null {
  const { view } = source.objects;
  const number = view.findHex(oid);
  try {
    if (number < 0 || source.objects.header(number).type !== TAG) return null;
    return view.hex(source.peel(number).target);
  } catch {
    return null;
  }
}
