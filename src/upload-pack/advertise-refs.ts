/** The advertisement of protocol v0 and v1 (protocol section 2.1): refs, with the capabilities behind the first. */
import { encodePktLine, FLUSH } from '../protocol/pkt-line.ts';
import { AGENT } from '../version.ts';
import type { CommandContext } from './command.ts';
import { allowsFilters } from './filters.ts';
import type { LineBuffer } from './line-buffer.ts';
import { listRefs, type RefFormat, type Tips } from './list-refs.ts';
import { advertiseSessionId } from './session-id.ts';
import { readWantPolicy } from './want-policy.ts';

const CAPABILITIES =
  'multi_ack thin-pack side-band side-band-64k ofs-delta shallow deepen-since deepen-not deepen-relative ' +
  'no-progress include-tag multi_ack_detailed';

export interface AdvertisementOptions {
  readonly version: 0 | 1;
  /** Whether the advertisement stands alone, and its client asks by requests of their own. */
  readonly stateless: boolean;
  /** Where to put what the refs point at. */
  readonly tips?: Tips;
}

export async function advertiseRefs(
  context: CommandContext,
  { version, stateless, tips }: AdvertisementOptions,
): Promise<void> {
  const { repository, sink, pace } = context;
  await repository.refs.prepare(pace.pauseIfDue);
  const sessionId = advertiseSessionId(repository);
  const capabilities = capabilitiesOf(context, stateless, sessionId);
  const { shallow = [], format } = repository;
  if (version === 1) await sink.sendLines(encodePktLine('version 1\n'));
  await listRefs(context, {
    prefixes: [],
    key: sessionId === undefined ? ['advertisement', capabilities, shallow] : undefined,
    format: (lines) => advertisement(lines, capabilities, shallow, '0'.repeat(format.hexLength)),
    tips,
  });
}

function capabilitiesOf(
  { repository }: CommandContext,
  stateless: boolean,
  sessionId: string | undefined,
): string {
  const { config, refs, format } = repository;
  const policy = readWantPolicy(config);
  const head = refs.resolve('HEAD');
  const words = [CAPABILITIES];
  if (policy.tips) words.push('allow-tip-sha1-in-want');
  if (policy.reachable) words.push('allow-reachable-sha1-in-want');
  if (stateless) words.push('no-done');
  if (head?.oid && head.target) words.push(`symref=HEAD:${head.target}`);
  if (allowsFilters(repository)) words.push('filter');
  if (sessionId !== undefined) words.push(`session-id=${sessionId}`);
  words.push(`object-format=${format.name}`, `agent=${AGENT}`);
  return words.join(' ');
}

/** `<oid> <name>`, the peeled value of a tag in a line of its own. */
function advertisement(
  lines: LineBuffer,
  capabilities: string,
  shallow: readonly string[],
  zero: string,
): RefFormat {
  let isFirst = true;
  const endRef = () => {
    if (isFirst) lines.text(`\0${capabilities}`);
    isFirst = false;
    return lines.end();
  };
  /** Ends two lines, of which each may have to be waited for. */
  const endBoth = async (first: Promise<void> | undefined, second: () => Promise<void> | undefined) => {
    await first;
    await second();
  };
  return {
    peels: true,
    ref(oid, { name }, peeled) {
      lines.text(`${oid} ${name}`);
      const end = endRef();
      if (!peeled) return end;
      const more = () => {
        lines.text(`${peeled} ${name}^{}`);
        return lines.end();
      };
      return end ? endBoth(end, more) : more();
    },
    stored(ref) {
      ref.put(lines);
      const end = endRef();
      if (ref.peeled < 0) return end;
      const more = () => {
        ref.putPeeled(lines);
        lines.text(` ${ref.name()}^{}`);
        return lines.end();
      };
      return end ? endBoth(end, more) : more();
    },
    async finish() {
      if (isFirst) {
        lines.text(`${zero} capabilities^{}`);
        await endRef();
      }
      for (const oid of shallow) {
        lines.text(`shallow ${oid}`);
        await lines.end();
      }
      return lines.finish(FLUSH);
    },
  };
}
