/**
 * What a client of protocol v0 or v1 wants (protocol section 2.2): lines in any order, up to a flush.
 *
 *   want <oid>[ SP capabilities] | shallow <oid> | deepen <n> | deepen-since <t> | deepen-not <ref> | filter <spec>
 */
import { protocolError } from '../errors.ts';
import { type HistoryLimits, HistoryLimitsDraft, readOid } from './history-limits.ts';
import { LineBudget } from './line-budget.ts';
import { hungUp, type PacketInput } from './packet-input.ts';
import { packetText } from './pkt-line.ts';
import type { Framing } from './sideband.ts';

/** How haves are acknowledged: by a bare first `ACK`, by each with `continue`, or by each with what it means. */
export type MultiAck = 'none' | 'multi_ack' | 'multi_ack_detailed';

export interface UploadRequest extends HistoryLimits {
  /** Object ids, lower-case hex, each once, in the order they were first named. */
  readonly wants: readonly string[];
  /** What the client wants to do without, as it wrote it; undefined for nothing. */
  readonly filter: string | undefined;
  readonly multiAck: MultiAck;
  readonly framing: Framing;
  readonly deepenRelative: boolean;
  readonly noDone: boolean;
  readonly thinPack: boolean;
  readonly ofsDelta: boolean;
  readonly noProgress: boolean;
  readonly includeTag: boolean;
}

export interface UploadRequestLimits {
  /** Digits of an object id: 40 or 64. */
  readonly hexLength: number;
  /** Whether `filter` is a capability here. */
  readonly filters: boolean;
}

const KNOWN = new Set([
  'multi_ack',
  'multi_ack_detailed',
  'side-band',
  'side-band-64k',
  'deepen-relative',
  'no-done',
  'thin-pack',
  'ofs-delta',
  'no-progress',
  'include-tag',
  'filter',
]);

/** @throws PackhorseError `PACKHORSE_PROTOCOL` */
export async function readUploadRequest(
  input: PacketInput,
  { hexLength, filters }: UploadRequestLimits,
): Promise<UploadRequest> {
  const wants = new Set<string>();
  const capabilities = new Set<string>();
  const limits = new HistoryLimitsDraft(hexLength);
  const budget = new LineBudget();
  let filter: string | undefined;
  for (;;) {
    const coming = input.next();
    const packet = coming instanceof Promise ? await coming : coming; // a million times awaiting nothing takes a while
    if (!packet) throw hungUp();
    if (packet.kind !== 'data') break;
    const line = packetText(packet.payload);
    budget.take(line);
    if (limits.take(line)) continue;
    if (line.startsWith('filter ')) {
      if (!filters || !capabilities.has('filter')) {
        throw protocolError('git upload-pack: filtering capability not negotiated');
      }
      if (filter !== undefined) throw protocolError('multiple filter-specs cannot be combined');
      filter = line.slice('filter '.length);
      continue;
    }
    const id = line.startsWith('want ') ? readOid(line, 5, hexLength) : undefined;
    if (!id) {
      throw protocolError(`git upload-pack: protocol error, expected to get object ID, not '${line}'`);
    }
    wants.add(id);
    // git takes them from every line, and passes over what it does not know.
    const words = line.slice(5 + hexLength).split(' ');
    for (const word of words) if (KNOWN.has(word)) capabilities.add(word);
  }
  const asks = (name: string) => capabilities.has(name);
  return {
    ...limits.limits,
    wants: [...wants],
    filter,
    multiAck: (['multi_ack_detailed', 'multi_ack'] as const).find(asks) ?? 'none',
    framing: (['side-band-64k', 'side-band'] as const).find(asks) ?? 'none',
    deepenRelative: asks('deepen-relative'),
    noDone: asks('no-done'),
    thinPack: asks('thin-pack'),
    ofsDelta: asks('ofs-delta'),
    noProgress: asks('no-progress'),
    includeTag: asks('include-tag'),
  };
}
