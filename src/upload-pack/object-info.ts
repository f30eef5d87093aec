/** The v2 command `object-info`: what is known of objects, without the objects (protocol section 1.7). */
import { protocolError } from '../errors.ts';
import { readOid } from '../protocol/history-limits.ts';
import { encodeError, encodePktLine, FLUSH, textOf } from '../protocol/pkt-line.ts';
import { SLOT_BYTES } from '../protocol/sideband.ts';
import type { Repository } from '../repository/repository.ts';
import type { Command } from './command.ts';

/** What can be asked for. */
export function advertiseObjectInfo({ config }: Repository): string | undefined {
  return config.boolean('transfer.advertiseobjectinfo', false) ? 'size' : undefined;
}

/** What is wrong with a line is told in its place, and the others are answered, as by git. */
export const objectInfo: Command = async ({ repository, sink, pace, budget }, args) => {
  let packets: Uint8Array[] = [];
  let bytes = 0;
  const send = async () => {
    await sink.sendLines(Buffer.concat(packets));
    packets = [];
    bytes = 0;
  };
  const say = async (packet: Uint8Array) => {
    packets.push(packet);
    bytes += packet.length;
    if (bytes >= SLOT_BYTES) await send();
    if (pace.due()) await pace.pause();
  };

  await repository.prepareObjects(pace.pauseIfDue);
  let size = false;
  const asked: string[] = [];
  const flushed = await args.each((line) => {
    if (line === 'size') size = true;
    else if (line.startsWith('oid ')) {
      budget.keepText(line);
      asked.push(line.slice('oid '.length));
    } else return say(encodeError(`object-info: unexpected line: '${textOf(line)}'`));
    return undefined;
  });
  if (!flushed) {
    await send();
    throw protocolError('object-info: expected flush after arguments');
  }
  if (size && asked.length > 0) await say(encodePktLine('size'));
  for (const text of asked) await say(describe(repository, text, size));
  await say(FLUSH);
  await send();
};

/** `<oid>[ SP <size>]`, the id as the client wrote it; a space stands alone behind what is not here. */
function describe({ objects, format }: Repository, text: string, size: boolean): Uint8Array {
  const oid = readOid(text, 0, format.hexLength);
  if (!oid) {
    return encodeError(`object-info: protocol error, expected to get oid, not '${textOf(text)}'`);
  }
  const number = objects.view.findHex(oid);
  const shown = text.slice(0, format.hexLength);
  if (number < 0) return encodePktLine(`${shown} `);
  return encodePktLine(size ? `${shown} ${objects.header(number).size}` : shown);
}
