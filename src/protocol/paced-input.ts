/** Requests that are all there, and so long that whoever reads them must give way. */
import type { Pause } from '../stretches.ts';
import { PacketInput } from './packet-input.ts';

/** Bytes read in one stretch: more than the longest packet; with short lines, some 1 ms. */
const PIECE_BYTES = 2 ** 16;

/** The packets of `bytes`, which come piece by piece, each after a pause where one is due. */
export function pacedInput(bytes: Uint8Array, pause: Pause): PacketInput {
  if (bytes.length <= PIECE_BYTES) return PacketInput.of(bytes);
  let at = 0;
  const input = new PacketInput(() => {
    giveMore().catch((error) => input.fail(error));
  });
  const push = () => {
    input.push(bytes.subarray(at, at + PIECE_BYTES));
    at += PIECE_BYTES;
    if (at >= bytes.length) input.end();
  };
  const giveMore = async () => {
    await pause();
    push();
  };
  push();
  return input;
}
