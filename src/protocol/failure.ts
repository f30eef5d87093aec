/** How a failure is told to a client whose response has begun (protocol sections 0.7, 1.9 and 2.6). */
import type { PackhorseError } from '../errors.ts';
import { encodeError } from './pkt-line.ts';
import { encodeSideband, type Framing } from './sideband.ts';

/** git's last words where objects are damaged; the reason goes before them, to be read by people. */
const ABORTED = 'aborting due to possible repository corruption on the remote side.';

/**
 * @param framing that of the bands that have begun, which then tell it; undefined before them: an `ERR` line tells it
 * @returns no bytes where there are no bands: then only a pack cut short says that something went wrong
 */
export function encodeFailure(
  { code, client }: Pick<PackhorseError, 'code' | 'client'>,
  framing: Framing | undefined,
): Uint8Array {
  if (framing === undefined) return encodeError(client);
  // git says so of any pack that it cannot make.
  if (code !== 'PACKHORSE_REPOSITORY_CORRUPT') return encodeSideband(3, client, framing);
  const reason = encodeSideband(2, `fatal: ${client}\n`, framing);
  return Buffer.concat([reason, encodeSideband(3, ABORTED, framing)]);
}
