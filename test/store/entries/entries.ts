/** Entries as a pack would keep them. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { writeTypeAndSize } from '../../../src/pack/entry-header.ts';
import { BLOB, type StoredObject } from '../../../src/repository/object-format.ts';
import {
  type EntryForm,
  EntryStore,
  type EntryStoreOptions,
} from '../../../src/store/entries/entry-store.ts';
import type { PackEntries } from '../../../src/store/entries/pack-entries.ts';
import { noise } from '../../support/history.ts';

export interface MadeEntry {
  readonly oid: Buffer;
  readonly object: StoredObject;
  readonly head: Buffer;
  readonly stream: Buffer;
  /** Head and stream. */
  readonly entry: Buffer;
}

/** The entry of the blob that is noise of this length, the same for the same seed. */
export function makeEntry(length: number, seed: number): MadeEntry {
  const data = noise(length, seed);
  const oid = crypto.createHash('sha1').update(`blob ${length}\0`).update(data).digest();
  const head = Buffer.alloc(10);
  const used = head.subarray(0, writeTypeAndSize(head, 0, BLOB, length));
  const stream = zlib.deflateSync(data);
  return { oid, object: { type: BLOB, data }, head: used, stream, entry: Buffer.concat([used, stream]) };
}

export function keepAll(pack: PackEntries, entries: Iterable<MadeEntry>): void {
  for (const { oid, object, head, stream } of entries) pack.keep(oid, object, head, stream);
}

/** A copy of what is kept. */
export function find(pack: PackEntries, { oid }: Pick<MadeEntry, 'oid'>): Buffer | undefined {
  const entry = pack.find(oid);
  return entry && Buffer.from(entry);
}

export const MIB = 2 ** 20;

/** A store as another thread would have it, or as it is after a restart. */
export function openStore(directory: string, options: Partial<EntryStoreOptions> = {}): EntryStore {
  return new EntryStore({ directory, budget: 512 * MIB, ...options });
}

export function form(directory: string, rest: Partial<EntryForm> = {}): EntryForm {
  return { directory, hash: 'sha1', level: -1, ...rest };
}

/** Begins a pack of the repository at `directory`. */
export async function beginPack(store: EntryStore, directory: string, rest: Partial<EntryForm> = {}) {
  const faults: string[] = [];
  const pack = await store.open(
    form(directory, rest),
    (where, why) => void faults.push(`${where}: ${why}`),
    () => undefined,
  );
  return { pack: pack!, faults };
}

/** Paths of all segments below a cache directory, the oldest first. */
export function segmentsIn(cache: string): string[] {
  const entries = path.join(cache, 'entries');
  if (!fs.existsSync(entries)) return [];
  return fs
    .readdirSync(entries, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.entries'))
    .map((name) => path.join(entries, name))
    .sort((a, b) => (path.basename(a) < path.basename(b) ? -1 : 1));
}

export function bytesIn(cache: string): number {
  return segmentsIn(cache).reduce((sum, file) => sum + fs.statSync(file).size, 0);
}
