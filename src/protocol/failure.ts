/** How a failure is told to a client whose response has begun (protocol section 0.7). */
import { encodeError } from './pkt-line.ts';
import { encodeSidebandFrame, MAX_SIDEBAND_DATA } from './sideband.ts';

/**
 * @param message what the client may know
 * @param inPack whether the pack section has begun: then band 3 tells, else an `ERR` line
 */
export function encodeFailure(message: string, inPack: boolean): Uint8Array {
  if (!inPack) return encodeError(message);
  return encodeSidebandFrame(3, Buffer.from(`${message}\n`).subarray(0, MAX_SIDEBAND_DATA));
}
