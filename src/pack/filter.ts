/** Filters of partial clones (protocol section 5.9): which objects a client wants to do without. */
import { type PackhorseError, protocolError } from '../errors.ts';
import { parseSize } from '../repository/config-value.ts';
import { type ObjectType, typeFromName } from '../repository/object-format.ts';

/** A filter that is not made of others; `kind` is its name in git's configuration. */
export type PlainFilter =
  | { readonly kind: 'blob:none' }
  /** Leaves out blobs of this many bytes and more. */
  | { readonly kind: 'blob:limit'; readonly bytes: number }
  /** Leaves out trees and blobs at this depth and below; a root tree is at depth 0. */
  | { readonly kind: 'tree'; readonly depth: number }
  /** Leaves out blobs whose paths the patterns in a blob do not match. `blob` names that as a client may: a byte string. */
  | { readonly kind: 'sparse:oid'; readonly blob: string }
  /** Leaves out all that is of another type. */
  | { readonly kind: 'object:type'; readonly type: ObjectType };

/** Leaves out what any of its parts does; combinations in combinations are taken apart. */
export interface CombinedFilter {
  readonly kind: 'combine';
  readonly parts: readonly PlainFilter[];
}

export type Filter = PlainFilter | CombinedFilter;

const COMBINE = 'combine:';
/** git goes on as long as its stack does. */
const MOST_NESTED = 100;
/** What a part of a combination may not hold as it is. Bytes above 127 are negative to git's compiler. */
const RESERVED = /[^!-\x7f]|[~`!@#$^&*()[\]{}\\;'",<>?]/;

/** By what a filter starts with; what gives undefined is no filter. */
const PARSERS: Readonly<Record<string, (value: string) => PlainFilter | undefined>> = {
  'blob:limit=': (value) => {
    const bytes = parseSize(value);
    return typeof bytes === 'number' ? { kind: 'blob:limit', bytes } : undefined;
  },
  'tree:': (value) => {
    const depth = parseSize(value);
    if (typeof depth !== 'number') throw protocolError("expected 'tree:<depth>'");
    return { kind: 'tree', depth };
  },
  'sparse:oid=': (blob) => ({ kind: 'sparse:oid', blob }),
  'sparse:path=': () => {
    throw protocolError('sparse:path filters support has been dropped');
  },
  'object:type=': (name) => {
    const type = typeFromName(name);
    if (!type) throw protocolError(`'${name}' for 'object:type=<type>' is not a valid object type`);
    return { kind: 'object:type', type };
  },
};

/**
 * @param spec as the client wrote it, a byte string
 * @throws PackhorseError `PACKHORSE_PROTOCOL` for a filter that is not well formed, or not known
 */
export function parseFilter(spec: string): Filter {
  return spec.startsWith(COMBINE) ? { kind: 'combine', parts: parseParts(spec, 0) } : parsePlain(spec);
}

/** @param depth how many combinations this one stands in */
function parseParts(spec: string, depth: number): PlainFilter[] {
  const list = spec.slice(COMBINE.length);
  if (list === '') throw protocolError('expected something after combine:');
  if (depth > MOST_NESTED) throw invalid(spec);
  const written = list.split('+').filter((part) => part !== '');
  return written.flatMap((part) => {
    const reserved = RESERVED.exec(part);
    if (reserved) throw protocolError(`must escape char in sub-filter-spec: '${reserved[0]}'`);
    const decoded = decodePercents(part);
    return decoded.startsWith(COMBINE) ? parseParts(decoded, depth + 1) : parsePlain(decoded);
  });
}

function parsePlain(spec: string): PlainFilter {
  if (spec === 'auto') throw protocolError("'auto' filter not supported by this command");
  if (spec === 'blob:none') return { kind: 'blob:none' };
  for (const [start, parse] of Object.entries(PARSERS)) {
    const filter = spec.startsWith(start) ? parse(spec.slice(start.length)) : undefined;
    if (filter) return filter;
  }
  throw invalid(spec);
}

function invalid(spec: string): PackhorseError {
  return protocolError(`invalid filter-spec '${spec}'`);
}

/** What is no byte in two hex digits, or a zero byte, stays as it is. */
function decodePercents(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (written, hex: string) =>
    hex === '00' ? written : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
