/**
 * What a client of protocol v0 or v1 wants (protocol section 2.2): lines in any order, up to a flush.
 *
 *   want <oid>[ SP capabilities] | shallow <oid> | deepen <n> | deepen-since <t> | deepen-not <ref> | filter <spec>
 */
import { hungUp, protocolError } from '../errors.ts';
import { type HistoryArgument, type HistoryLimits, HistoryLimitsDraft, readOid } from './history-limits.ts';
import type { LineBudget } from './line-budget.ts';
import type { PacketInput } from './packet-input.ts';
import { packetText } from './pkt-line.ts';
import type { Framing } from './sideband.ts';

/** How haves are acknowledged: by a bare first `ACK`, by each with `continue`, or by each with what it means. */
export type MultiAck = 'none' | 'multi_ack' | 'multi_ack_detailed';

/** A line that names something, which is looked up at once. */
export type NamingArgument = HistoryArgument | { readonly kind: 'want'; readonly oid: string };

export interface UploadRequest extends HistoryLimits {
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
  readonly budget: LineBudget;
}

const KNOWN = [
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
];

/**
 * @param name what to do with each line that names something; what it returns is awaited
 * @throws PackhorseError `PACKHORSE_PROTOCOL`, and what `name` throws
 */
export async function readUploadRequest(
  input: PacketInput,
  { hexLength, filters, budget }: UploadRequestLimits,
  name: (argument: NamingArgument) => void | Promise<void>,
): Promise<UploadRequest> {
  const capabilities = new Set<string>();
  const limits = new HistoryLimitsDraft(hexLength);
  let filter: string | undefined;
  for (;;) {
    const coming = input.next();
    const packet = coming instanceof Promise ? await coming : coming; // a million times awaiting nothing takes a while
    if (!packet) throw hungUp();
    if (packet.kind !== 'data') break;
    const line = packetText(packet.payload);
    budget.count();
    const limit = limits.take(line);
    if (limit) {
      const named = limit === true ? undefined : name(limit);
      if (named) await named;
      continue;
    }
    if (line.startsWith('filter ')) {
      if (!filters || !capabilities.has('filter')) {
        throw protocolError('git upload-pack: filtering capability not negotiated');
      }
      if (filter !== undefined) throw protocolError('multiple filter-specs cannot be combined');
      budget.keepText(line);
      filter = line.slice('filter '.length);
      continue;
    }
    const oid = line.startsWith('want ') ? readOid(line, 5, hexLength) : undefined;
    if (!oid) {
      throw protocolError(`git upload-pack: protocol error, expected to get object ID, not '${line}'`);
    }
    const named = name({ kind: 'want', oid });
    if (named) await named;
    // git takes them from every line, and passes over what it does not know.
    if (line.length === 5 + hexLength) continue;
    const words = line.slice(5 + hexLength).split(' ');
    for (const known of KNOWN) if (words.includes(known)) capabilities.add(known);
  }
  const asks = (name: string) => capabilities.has(name);
  return {
    ...limits.limits,
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
