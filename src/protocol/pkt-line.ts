/**
 * pkt-line framing (protocol sections 0.1 to 0.6).
 *
 *   pkt-line  = 4HEX payload          ; the length counts itself
 *   flush-pkt = "0000", delim-pkt = "0001", response-end-pkt = "0002"
 */
import { protocolError } from '../errors.ts';

/** Bytes of payload that one pkt-line may carry: 65,520 less the four of its length. */
export const MAX_PKT_PAYLOAD = 65516;
/** Readers tolerate what git's reader does: payloads below 65,520 bytes. */
export const MAX_READ_PAYLOAD = 65519;

export const FLUSH: Uint8Array = Buffer.from('0000');
export const DELIM: Uint8Array = Buffer.from('0001');

/**
 * One pkt-line.
 * @param payload text (UTF-8) or bytes, at most {@link MAX_PKT_PAYLOAD} bytes; a trailing LF is the caller's
 * @throws RangeError when the payload does not fit
 */
export function encodePktLine(payload: string | Uint8Array): Uint8Array {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (body.length > MAX_PKT_PAYLOAD) {
    throw new RangeError(`a pkt-line carries at most ${MAX_PKT_PAYLOAD} bytes, not ${body.length}`);
  }
  const line = Buffer.allocUnsafe(body.length + 4);
  writeLength(line, 0, line.length);
  line.set(body, 4);
  return line;
}

const HEX = Buffer.from('0123456789abcdef');

/** Writes the four lower-case hex digits of `length` at `at`. */
export function writeLength(target: Uint8Array, at: number, length: number): void {
  target[at] = HEX[(length >> 12) & 15];
  target[at + 1] = HEX[(length >> 8) & 15];
  target[at + 2] = HEX[(length >> 4) & 15];
  target[at + 3] = HEX[length & 15];
}

/** An `ERR` line: how an error is told outside of a sideband. */
export function encodeError(message: string): Uint8Array {
  const text = Buffer.from(`ERR ${message}`);
  return encodePktLine(text.subarray(0, MAX_PKT_PAYLOAD));
}

export type Packet = { kind: 'data'; payload: Buffer } | { kind: 'flush' } | { kind: 'delim' };

/**
 * The text of a packet: exactly one trailing LF is taken off. Ref names are bytes, not characters, so the text is
 * a byte string (latin1): one character a byte, in both directions.
 */
export function packetText(payload: Buffer): string {
  const end = payload.length > 0 && payload[payload.length - 1] === 10 ? payload.length - 1 : payload.length;
  return payload.toString('latin1', 0, end);
}

/** A byte string as text for people, which an error is told in: UTF-8, as far as it is that. */
export function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

/**
 * Decodes the length of the packet that begins at `at`; four bytes must be there.
 * @throws PackhorseError `PACKHORSE_PROTOCOL`
 */
export function readLength(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = hexDigit(bytes[i]);
    if (digit < 0) {
      const shown = bytes.toString('latin1', at, at + 4).replace(/[^\x20-\x7e]/g, '?');
      throw protocolError(`protocol error: bad line length character: ${shown}`);
    }
    value = value * 16 + digit;
  }
  return value;
}

function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const lower = c | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
