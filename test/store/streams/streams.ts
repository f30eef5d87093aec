/** Stores and streams for tests. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach } from 'vitest';
import type { StreamHead, StreamReader, StreamWriter } from '../../../src/store/streams/stream.ts';
import { BLOCK } from '../../../src/store/streams/stream-format.ts';
import { StreamPolicy } from '../../../src/store/streams/stream-policy.ts';
import { StreamStore, type StreamStoreOptions } from '../../../src/store/streams/stream-store.ts';

export { contentOf, headOf } from './generated-streams.ts';
export { BLOCK };

export interface OpenedStore {
  readonly store: StreamStore;
  /** What it was told to say of faults and evictions, in order. */
  readonly said: string[];
}

const stores: StreamStore[] = [];
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

/** A store that is closed after the test. */
export async function openStore(
  directory: string,
  options: Partial<StreamStoreOptions> = {},
): Promise<OpenedStore> {
  const said: string[] = [];
  const budget = options.budget ?? 2 ** 30;
  const store = await StreamStore.open(directory, {
    budget,
    policy: new StreamPolicy({ budget, minUses: 1, now: Date.now }),
    onFault: (what, error) => said.push(`${what}: ${(error as NodeJS.ErrnoException).code}`),
    onEvicted: (reason) => said.push(reason),
    ...options,
  });
  stores.push(store);
  return { store, said };
}

/** Writes a stream in parts; the writer must have been given. */
export async function writeStream(
  writer: StreamWriter | undefined,
  content: Uint8Array,
  part = 65_520,
): Promise<void> {
  for (let at = 0; at < content.length; at += part) await writer!.write(content.subarray(at, at + part));
}

export async function keep(store: StreamStore, head: StreamHead, content: Uint8Array): Promise<void> {
  const writer = await store.create(head);
  await writeStream(writer, content);
  await writer!.finish({ bytes: content.length });
}

/** Everything that comes, until the end. */
export async function readAll(reader: StreamReader | undefined, most = 65_536): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let part = await reader!.read(most); part; part = await reader!.read(most)) {
    if (part.length === 0 || part.length > most) throw new Error(`${part.length} bytes were given`);
    parts.push(part);
  }
  reader!.close();
  return Buffer.concat(parts);
}

/** The files of the streams of a cache directory. */
export function filesOf(directory: string): string[] {
  const streams = path.join(directory, 'streams');
  return fs.existsSync(streams) ? fs.readdirSync(streams).map((name) => path.join(streams, name)) : [];
}

/** Bytes of those files. */
export function bytesOnDisk(directory: string): number {
  return filesOf(directory).reduce((sum, file) => sum + fs.statSync(file).size, 0);
}
