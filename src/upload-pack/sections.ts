/** Sections of an answer to `fetch` before its pack: in bands where the client asked for `sideband-all`. */
import { encodePktLine } from '../protocol/pkt-line.ts';
import { encodeSidebandFrame, type Framing, SLOT_BYTES } from '../protocol/sideband.ts';
import type { CommandContext } from './command.ts';
import type { ResponseSink } from './response-sink.ts';

/** How packs are framed in protocol v2, and whole answers where they are. */
export const FRAMING: Framing = 'side-band-64k';

/**
 * Sends lines as packets, on band 1 where there are bands.
 * @param lines byte strings, LF included
 * @param end the packet behind them
 * @param sendLast sends what is left at the end
 */
export async function sendSection(
  { sink, pace }: Pick<CommandContext, 'sink' | 'pace'>,
  lines: Iterable<string>,
  end: Uint8Array,
  sendLast: ResponseSink['sendLines'] = (bytes) => sink.sendLines(bytes),
): Promise<void> {
  let packets: Uint8Array[] = [];
  let bytes = 0;
  for (const line of lines) {
    const packet = encodeLine(line, sink);
    packets.push(packet);
    bytes += packet.length;
    if (bytes >= SLOT_BYTES) {
      await sink.sendLines(Buffer.concat(packets));
      packets = [];
      bytes = 0;
    }
    if (pace.due()) await pace.pause();
  }
  await sendLast(Buffer.concat([...packets, end]));
}

/** Begins the pack. */
export async function openPack(sink: ResponseSink): Promise<void> {
  await sink.openBands(encodeLine('packfile\n', sink), FRAMING);
}

function encodeLine(line: string, { framing }: ResponseSink): Uint8Array {
  const bytes = Buffer.from(line, 'latin1');
  return framing === 'none' ? encodePktLine(bytes) : encodeSidebandFrame(1, bytes);
}
