import { PacketInput } from '../../../src/protocol/packet-input.ts';
import { packetText } from '../../../src/protocol/pkt-line.ts';
import { mutatePackets } from '../packets.ts';
import { readCorpus } from '../storage.ts';
import { isDocumented, must, type Target } from '../target.ts';

/** The first byte says in how many pieces the packets behind it come. */
export const pktLine: Target = {
  name: 'pkt-line',
  reads: 'packets, in one piece and in many',
  seeds: () => readCorpus('pkt-line'),
  tokens: ['0000', '0001', '0002', '0003', '0004', '0005', 'fff0', 'fff3', 'fff4', 'ffff', 'ERR '],
  mutate: (input, random) =>
    Buffer.concat([input.subarray(0, 1), mutatePackets(input.subarray(1), random, ['ERR x', 'want', ''])]),
  async run(input) {
    const bytes = input.subarray(1);
    const step = 1 + (input[0] ?? 0);
    const pieces = new PacketInput();
    const read = readAll(pieces);
    for (let at = 0; at < bytes.length; at += step) {
      pieces.push(bytes.subarray(at, at + step));
      if (at % (8 * step) === 0) await undefined;
    }
    pieces.end();
    const whole = await readAll(PacketInput.of(bytes));
    must(whole.join('\n') === (await read).join('\n'), 'pieces hold the same packets as the whole');
  },
};

/** The packets as text, and the message that they end with. */
async function readAll(input: PacketInput): Promise<string[]> {
  const packets: string[] = [];
  try {
    for (let packet = await input.next(); packet; packet = await input.next()) {
      packets.push(packet.kind === 'data' ? `data ${packetText(packet.payload)}` : packet.kind);
    }
  } catch (error) {
    if (!isDocumented(error)) throw error;
    packets.push((error as Error).message);
  }
  return packets;
}
