/** Requests as lists of packets, so that they can be changed packet by packet. */
import { pkt } from '../support/requests.ts';
import type { Random } from './random.ts';

/** `0000`, `0001` and `0002`, or the payload of a packet: byte strings (latin1). */
type Packet = { readonly special: string } | { readonly text: string };

/** As far as the input is well formed; what is left is a packet of its own. */
export function packetsOf(input: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < input.length; ) {
    const special = input.toString('latin1', at, at + 4);
    const length = Number.parseInt(special, 16);
    if (length < 4) packets.push({ special });
    else
      packets.push({
        text: input.toString('latin1', at + 4, Number.isNaN(length) ? undefined : at + length),
      });
    at += Number.isNaN(length) ? input.length : Math.max(4, length);
  }
  return packets;
}

export function encodePackets(packets: readonly Packet[]): Buffer {
  const texts = packets.map((packet) => ('special' in packet ? packet.special : byteLine(packet.text)));
  return Buffer.from(texts.join(''), 'latin1');
}

/** {@link pkt} counts bytes of UTF-8. */
function byteLine(text: string): string {
  return pkt('x'.repeat(text.length)).slice(0, 4) + text;
}

/** Leaves out, doubles, moves and changes packets. @param lines what may be put in */
export function mutatePackets(input: Buffer, random: Random, lines: readonly string[]): Buffer {
  const packets = packetsOf(input);
  for (let left = 1 + random.small(5); left > 0; left--) {
    const at = random.below(packets.length + 1);
    switch (random.below(7)) {
      case 0:
        packets.splice(at, 1 + random.small(3));
        break;
      case 1:
        packets.splice(at, 0, { special: random.pick(['0000', '0001', '0002', '0003']) });
        break;
      case 2:
        packets.splice(
          at,
          0,
          ...Array<Packet>(1 + random.small(40)).fill({ text: `${random.pick(lines)}\n` }),
        );
        break;
      case 3:
        packets.splice(random.below(packets.length + 1), 0, ...packets.slice(at, at + 1 + random.small(8)));
        break;
      default: {
        const packet = packets[at];
        if (packet && 'text' in packet) packets[at] = { text: changed(packet.text, random, lines) };
        else packets.splice(at, 0, { text: `${random.pick(lines)}\n` });
      }
    }
  }
  return encodePackets(packets);
}

function changed(text: string, random: Random, lines: readonly string[]): string {
  const at = random.below(text.length + 1);
  const end = at + random.small(8);
  switch (random.below(5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + text.slice(end);
    case 3:
      return text.slice(0, at) + text.slice(at, end).repeat(1 + random.small(200)) + text.slice(end);
    default: {
      const words = text.split(' ');
      words[random.below(words.length)] = random.pick(random.pick(lines).split(' '));
      return words.join(' ');
    }
  }
}
