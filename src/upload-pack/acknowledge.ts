/** The have negotiation of protocol v0 and v1 (protocol section 2.5). */
import { hungUp, protocolError } from '../errors.ts';
import type { Pace } from '../pack/pace.ts';
import { readOid } from '../protocol/history-limits.ts';
import type { LineBudget } from '../protocol/line-budget.ts';
import type { PacketInput } from '../protocol/packet-input.ts';
import { encodePktLine, packetText } from '../protocol/pkt-line.ts';
import type { MultiAck } from '../protocol/upload-request.ts';
import type { Common } from './negotiate.ts';
import type { ResponseSink } from './response-sink.ts';

export interface Negotiation {
  readonly wants: readonly number[];
  readonly multiAck: MultiAck;
  /** Whether a client that was told `ready` gets its pack without saying `done`. */
  readonly noDone: boolean;
  /** Whether each batch of haves is a request of its own. */
  readonly stateless: boolean;
  readonly budget: LineBudget;
}

/**
 * Acknowledges haves as they come, until the client has heard enough.
 * @param common where to put what the client has
 * @returns whether the pack is to follow; false where the client asks on by another request
 */
export async function acknowledge(
  input: PacketInput,
  sink: Pick<ResponseSink, 'sendLines'>,
  common: Common,
  { wants, multiAck, noDone, stateless, budget }: Negotiation,
  pace: Pace,
): Promise<boolean> {
  const detailed = multiAck === 'multi_ack_detailed';
  const { hexLength } = common.source.objects.view.format;
  const say = (line: string) => sink.sendLines(encodePktLine(`${line}\n`));
  let last = '';
  let saidReady = false;
  /** Whether this batch had an object that is here, and one that is not. */
  let gotCommon = false;
  let gotOther = false;
  for (;;) {
    const coming = input.next();
    const packet = coming instanceof Promise ? await coming : coming;
    if (!packet) throw hungUp();
    if (packet.kind !== 'data') {
      if (detailed && gotCommon && !gotOther && (await common.isReady(wants, pace))) {
        saidReady = true;
        await say(`ACK ${last} ready`);
      }
      if (common.haves.length === 0 || multiAck !== 'none') await say('NAK');
      if (noDone && saidReady) {
        await say(`ACK ${last}`);
        return true;
      }
      if (stateless) return false;
      gotCommon = false;
      gotOther = false;
      continue;
    }
    budget.count();
    const line = packetText(packet.payload);
    if (line === 'done') {
      if (common.haves.length === 0) await say('NAK');
      else if (multiAck !== 'none') await say(`ACK ${last}`);
      return true;
    }
    if (!line.startsWith('have ')) throw protocolError(`git upload-pack: expected SHA1 list, got '${line}'`);
    const have = readOid(line, 5, hexLength);
    if (!have) throw protocolError(`git upload-pack: expected SHA1 object, got '${line.slice(5)}'`);
    if (common.add(have)) {
      gotCommon = true;
      last = have;
      if (detailed) await say(`ACK ${have} common`);
      else if (multiAck === 'multi_ack') await say(`ACK ${have} continue`);
      else if (common.acknowledged.length === 1) await say(`ACK ${have}`);
    } else {
      gotOther = true;
      if (multiAck !== 'none' && (await common.isReady(wants, pace))) {
        if (detailed) saidReady = true;
        await say(`ACK ${have} ${detailed ? 'ready' : 'continue'}`);
      }
    }
    if (pace.due()) await pace.pause();
  }
}
