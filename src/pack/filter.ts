/** Filters of partial clones (protocol section 5.9): which objects a client wants to do without. */
import { protocolError } from '../errors.ts';
import { BLOB, COMMIT, type ObjectType, TAG, TREE, typeFromName } from '../repository/object-format.ts';

export interface Filter {
  /** Its name in git's configuration. */
  readonly name: 'blob:none' | 'blob:limit' | 'tree' | 'object:type';
  /** Types of the objects to send. */
  readonly types: readonly ObjectType[];
  /** Blobs of this many bytes and more are left out; undefined for no limit. */
  readonly blobLimit: number | undefined;
}

/** Of a number of bytes. */
const UNITS = ['', 'k', 'm', 'g'];
const ALL: readonly ObjectType[] = [COMMIT, TREE, BLOB, TAG];

/** Whether a walk that meets only what matters has left out all that the filter does. */
export function isDoneByWalking({ types, blobLimit }: Filter): boolean {
  const trees = types.includes(TREE) || !types.includes(BLOB);
  return types.includes(COMMIT) && types.includes(TAG) && trees && blobLimit === undefined;
}

/** @throws PackhorseError `PACKHORSE_PROTOCOL` for a filter that is not well formed, or not known */
export function parseFilter(spec: string): Filter {
  const invalid = () => protocolError(`invalid filter-spec '${spec}'`);
  if (spec === 'blob:none') return { name: 'blob:none', types: [COMMIT, TREE, TAG], blobLimit: undefined };
  if (spec.startsWith('blob:limit=')) {
    const match = /^(0x[\da-f]+|0[0-7]*|[1-9]\d*)([kmg]?)$/i.exec(spec.slice('blob:limit='.length));
    if (!match) throw invalid();
    const blobLimit = parseNumber(match[1]) * 1024 ** UNITS.indexOf(match[2].toLowerCase());
    return { name: 'blob:limit', types: ALL, blobLimit };
  }
  if (spec.startsWith('tree:')) {
    if (!/^tree:\d+$/.test(spec)) throw protocolError("expected 'tree:<depth>'");
    if (Number(spec.slice('tree:'.length)) > 0)
      throw protocolError(`filter '${spec}' is not supported: only tree:0`);
    return { name: 'tree', types: [COMMIT, TAG], blobLimit: undefined };
  }
  if (spec.startsWith('object:type=')) {
    const name = spec.slice('object:type='.length);
    const type = typeFromName(name);
    if (!type) throw protocolError(`'${name}' for 'object:type=<type>' is not a valid object type`);
    return { name: 'object:type', types: [type], blobLimit: undefined };
  }
  if (/^(?:sparse:oid=|combine:)/.test(spec)) throw protocolError(`filter '${spec}' is not supported`);
  throw invalid();
}

/** As C reads it: a leading 0 stands for base 8, 0x for 16. */
function parseNumber(text: string): number {
  return /^0\d/.test(text) ? Number.parseInt(text, 8) : Number(text);
}
