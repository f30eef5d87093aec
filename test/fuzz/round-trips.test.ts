/** What is written is read as it was. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { generatePack } from '../../src/pack/pack-stream.ts';
import { readPack } from '../../src/pack/read-pack.ts';
import { LineBudget } from '../../src/protocol/line-budget.ts';
import { PacketInput } from '../../src/protocol/packet-input.ts';
import { DELIM, encodePktLine, FLUSH, type Packet } from '../../src/protocol/pkt-line.ts';
import { readV2Request } from '../../src/protocol/v2-request.ts';
import { v2Request } from '../support/requests.ts';

const payload = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const packet: fc.Arbitrary<Packet> = fc.oneof(
  { weight: 4, arbitrary: payload.map((bytes): Packet => ({ kind: 'data', payload: bytes })) },
  { weight: 1, arbitrary: fc.constantFrom<Packet>({ kind: 'flush' }, { kind: 'delim' }) },
);

it('packets, in whatever pieces they come', async () => {
  const cuts = fc.array(fc.nat(60), { minLength: 1, maxLength: 20 });
  const property = fc.asyncProperty(fc.array(packet, { maxLength: 20 }), cuts, async (packets, lengths) => {
    const bytes = Buffer.concat(packets.map(encode));
    const input = new PacketInput();
    const read = readAll(input);
    for (let at = 0, i = 0; at < bytes.length; at += 1 + lengths[i++ % lengths.length]) {
      input.push(bytes.subarray(at, at + 1 + lengths[i % lengths.length]));
      if (i % 3 === 0) await undefined;
    }
    input.end();
    expect(await read).toEqual(packets);
  });
  await fc.assert(property);
});

function encode(each: Packet): Uint8Array {
  if (each.kind === 'data') return encodePktLine(each.payload);
  return each.kind === 'flush' ? FLUSH : DELIM;
}

async function readAll(input: PacketInput): Promise<Packet[]> {
  const packets: Packet[] = [];
  for (let next = await input.next(); next; next = await input.next()) packets.push(next);
  return packets;
}

it('requests of version 2', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', ' ', '=', ':', '\0', '~'), maxLength: 30 });
  const lines = fc.array(line, { maxLength: 10 });
  const property = fc.asyncProperty(lines, lines, async (head, args) => {
    const budget = new LineBudget();
    const request = await readV2Request(PacketInput.of(Buffer.from(v2Request('x', args, head))), budget);
    const read: string[] = [];
    expect(await request!.args.each((line) => void read.push(line))).toBe(true);
    expect([request!.head, read]).toEqual([['command=x', ...head], args]);
    budget.release();
  });
  await fc.assert(property);
});

it('packs of any objects', async () => {
  const object = fc.record({
    type: fc.constantFrom('commit' as const, 'tree' as const, 'blob' as const, 'tag' as const),
    data: payload,
  });
  const property = fc.asyncProperty(fc.array(object, { maxLength: 10 }), async (objects) => {
    const read = readPack(await generatePack(objects));
    expect(read.map(({ type, data }) => ({ type, data }))).toEqual(objects);
  });
  await fc.assert(property);
});
