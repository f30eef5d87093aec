/** The header `Range` of HTTP (RFC 9110, section 14), as far as it asks for one range. */

/** Bytes of a file from `from` on, `end` being behind the last. */
export interface ByteRange {
  readonly from: number;
  readonly end: number;
}

/**
 * @param header several ranges are answered as if there were none, which is allowed
 * @param size of the whole, in bytes
 * @returns null where nothing of the whole is in the range; undefined where the whole is to be sent
 */
export function readByteRange(header: string | undefined, size: number): ByteRange | null | undefined {
  const [, first, last] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '') ?? [];
  if (first === undefined || (first === '' && last === '')) return undefined;
  if (first === '')
    return Number(last) > 0 && size > 0 ? { from: Math.max(0, size - Number(last)), end: size } : null;
  const from = Number(first);
  if (last !== '' && Number(last) < from) return undefined;
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  return from < size ? { from, end } : null;
}
