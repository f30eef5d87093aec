/** Streams that are the same in every process. */
import crypto from 'node:crypto';
import zlib from 'node:zlib';
import type { StreamHead } from '../../../src/store/streams/stream.ts';
import { BLOCK } from '../../../src/store/streams/stream-format.ts';
import { noise } from '../../support/history.ts';

export const NAMES = ['one', 'two'];

export function generatedContent(name: string): Buffer {
  return contentOf(name, 2 * BLOCK + 1000 * name.length);
}

/** A head with a key that is all of its name's. */
export function headOf(name: string, repository = 'a.git'): StreamHead {
  const key = crypto.createHash('sha256').update(name).digest('hex');
  return { key, repository, kind: 'clone', created: Date.now() };
}

/** The same for the same name. */
export function contentOf(name: string, length: number): Buffer {
  return noise(length, zlib.crc32(name));
}
