/** Which names may be refs: the rules of `git check-ref-format`. Names are byte strings (latin1). */

const PLAIN = 0;
/** A character that is legal in some places only: `.`, `/`, `{`. */
const PLACED = 1;
/** A space, a control character or one of `~^:?*[\`. */
const FORBIDDEN = 2;

const KINDS = Uint8Array.from({ length: 256 }, (_, code) => {
  if (code <= 32 || code === 127 || '~^:?*[\\'.includes(String.fromCharCode(code))) return FORBIDDEN;
  return './{'.includes(String.fromCharCode(code)) ? PLACED : PLAIN;
});

const DOT = 46;
const SLASH = 47;
const AT = 64;
const ROOT = Buffer.from('refs/');
const LOCK = Buffer.from('.lock');

/** Whether `name` is a well formed full ref name (`refs/...`). */
export function isRefName(name: string): boolean {
  return refNameEnd(Buffer.from(name, 'latin1'), 0) === name.length;
}

/**
 * Where the full ref name that begins at `start` ends: at the first byte that no name can hold, or at the end of
 * `bytes`; -1 when what stands there is not well formed.
 */
export function refNameEnd(bytes: Uint8Array, start: number): number {
  if (!standsAt(bytes, start, ROOT)) return -1;
  let at = start + ROOT.length;
  for (let last = SLASH; ; at++) {
    const code = at < bytes.length ? bytes[at] : 0;
    const kind = KINDS[code];
    if (kind !== PLAIN) {
      const ends = kind === FORBIDDEN;
      if (last === SLASH ? ends || code !== 123 : last === DOT && (ends || code === DOT)) return -1;
      if (ends || code === SLASH) {
        if (standsAt(bytes, at - LOCK.length, LOCK)) return -1;
        if (ends) return at;
      }
      if (code === 123 && last === AT) return -1;
    }
    last = code;
  }
}

function standsAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}
