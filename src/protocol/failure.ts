/** How a failure is told to a client whose response has begun (protocol section 0.7). */
import { encodeError } from './pkt-line.ts';
import { encodeSideband, type Framing } from './sideband.ts';

/**
 * @param message what the client may know
 * @param framing that of the bands that have begun, which then tell it; undefined before them: an `ERR` line tells it
 * @returns no bytes where there are no bands: then only a pack cut short says that something went wrong
 */
export function encodeFailure(message: string, framing: Framing | undefined): Uint8Array {
  return framing === undefined ? encodeError(message) : encodeSideband(3, message, framing);
}
