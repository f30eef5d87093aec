/** Object ids and their hash function. */

export type HashName = 'sha1' | 'sha256';

export interface ObjectFormat {
  readonly name: HashName;
  /** Bytes of an object id: 20 or 32. */
  readonly bytes: number;
  /** Hex digits of an object id. */
  readonly hexLength: number;
  /** The id of the empty tree, which exists even where it is not stored. */
  readonly emptyTree: string;
}

export const OBJECT_FORMATS: Readonly<Record<HashName, ObjectFormat>> = {
  sha1: { name: 'sha1', bytes: 20, hexLength: 40, emptyTree: '4b825dc642cb6eb9a060e54bf8d69288fbee4904' },
  sha256: {
    name: 'sha256',
    bytes: 32,
    hexLength: 64,
    emptyTree: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
  },
};

/** The types of objects, numbered as in a pack entry. */
export const COMMIT = 1;
export const TREE = 2;
export const BLOB = 3;
export const TAG = 4;
/** A pack entry whose base is named by its distance in the same pack. */
export const OFS_DELTA = 6;
/** A pack entry whose base is named by its id. */
export const REF_DELTA = 7;

export type ObjectType = typeof COMMIT | typeof TREE | typeof BLOB | typeof TAG;

export const TYPE_NAMES = ['', 'commit', 'tree', 'blob', 'tag'] as const;
export type TypeName = 'commit' | 'tree' | 'blob' | 'tag';

export function typeFromName(name: string): ObjectType | undefined {
  const type = TYPE_NAMES.indexOf(name as TypeName);
  return type > 0 ? (type as ObjectType) : undefined;
}

/** An object in memory. */
export interface StoredObject {
  readonly type: ObjectType;
  readonly data: Buffer;
}
