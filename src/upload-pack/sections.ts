/** Sections of an answer to `fetch` before its pack: in bands where the client asked for `sideband-all`. */
import { encodePktLine } from '../protocol/pkt-line.ts';
import { encodeSidebandFrame, type Framing } from '../protocol/sideband.ts';
import type { ResponseSink } from './response-sink.ts';

/** How packs are framed in protocol v2, and whole answers where they are. */
export const FRAMING: Framing = 'side-band-64k';

const NOTHING = new Uint8Array();

/**
 * Lines as packets, on band 1 where there are bands.
 * @param lines byte strings, LF included
 * @param end the packet behind them
 */
export function encodeSection(
  lines: readonly string[],
  end: Uint8Array,
  { framing }: ResponseSink,
): Uint8Array {
  const encode = (line: string) => {
    const bytes = Buffer.from(line, 'latin1');
    return framing === 'none' ? encodePktLine(bytes) : encodeSidebandFrame(1, bytes);
  };
  return Buffer.concat([...lines.map(encode), end]);
}

/** Begins the pack. */
export async function openPack(sink: ResponseSink): Promise<void> {
  await sink.openBands(encodeSection(['packfile\n'], NOTHING, sink), FRAMING);
}
