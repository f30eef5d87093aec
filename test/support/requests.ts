/** Protocol v2 requests and responses by hand. */
import { encodePktLine } from '../../src/index.ts';

const DELIM = Buffer.from('0001');
const FLUSH = Buffer.from('0000');

/** One whole request; arguments get their line feed here. */
export function encodeRequest(command: string, args: readonly string[], format = 'sha1'): Buffer {
  const lines = (texts: readonly string[]) =>
    texts.map((text) => encodePktLine(Buffer.from(`${text}\n`, 'latin1')));
  return Buffer.concat([
    ...lines([`command=${command}`, 'agent=test/1', `object-format=${format}`]),
    DELIM,
    ...lines(args),
    FLUSH,
  ]);
}

/** The packets of a response: text of each line (less its line feed), or `flush` and `delim`. */
export function decodePackets(response: Uint8Array): { text: string; bytes: Buffer }[] {
  const bytes = Buffer.from(response.buffer, response.byteOffset, response.byteLength);
  const packets: { text: string; bytes: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(bytes.toString('latin1', at, at + 4), 16);
    if (length < 4) {
      packets.push({ text: ['flush', 'delim'][length], bytes: Buffer.alloc(0) });
      at += 4;
      continue;
    }
    const payload = bytes.subarray(at + 4, at + length);
    if (payload.length !== length - 4) throw new Error('the response ends inside of a packet');
    packets.push({ text: payload.toString('latin1').replace(/\n$/, ''), bytes: payload });
    at += length;
  }
  return packets;
}

/** What a fetch response carries: its lines before the pack, the pack, progress, the fatal text. */
export function decodeFetch(response: Uint8Array): {
  lines: string[];
  pack: Buffer;
  progress: string;
  fatal: string;
} {
  const packets = decodePackets(response);
  const start = packets.findIndex(({ text }) => text === 'packfile');
  const framed = start < 0 ? [] : packets.slice(start + 1).filter(({ bytes }) => bytes.length > 0);
  const band = (n: number) =>
    Buffer.concat(framed.filter(({ bytes }) => bytes[0] === n).map(({ bytes }) => bytes.subarray(1)));
  return {
    lines: packets.slice(0, start < 0 ? undefined : start).map(({ text }) => text),
    pack: band(1),
    progress: band(2).toString(),
    fatal: band(3).toString(),
  };
}
