/** Giving an input to a target, and what is wrong with what comes of it. */
import v8 from 'node:v8';
import { isDocumented, type Target } from './target.ts';

export interface Finding {
  readonly kind: 'error' | 'memory' | 'hang';
  readonly message: string;
  /** The same for what probably is the same defect. */
  readonly signature: string;
}

/** What reading anything may take: buffers that are used again, garbage that is not collected yet. */
const FREE_BYTES = 64 * 1024 * 1024;
/** For each byte of input: no zlib stream inflates to more than 1,032 times its size. */
const BYTES_PER_BYTE = 2 * 1032;

/** @returns undefined where all is well */
export async function tryInput(target: Target, input: Buffer): Promise<Finding | undefined> {
  const before = memory();
  try {
    await target.run(Buffer.from(input));
  } catch (error) {
    if (!isDocumented(error)) return findingOf(error);
  }
  const taken = memory() - before;
  if (taken <= FREE_BYTES + input.length * BYTES_PER_BYTE) return undefined;
  const message = `${input.length} bytes took ${Math.round(taken / 2 ** 20)} MiB of memory`;
  return { kind: 'memory', message, signature: 'memory' };
}

/** Bytes on the heap and in buffers, garbage included. */
function memory(): number {
  const { used_heap_size, external_memory } = v8.getHeapStatistics();
  return used_heap_size + external_memory;
}

function findingOf(error: unknown): Finding {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const place = /\/(?:src|targets)\/[^)\n]*/.exec(stack ?? '')?.[0] ?? '';
  const signature = `${name} ${message.replace(/\d+/g, 'n').slice(0, 80)} ${place}`;
  return { kind: 'error', message: stack ?? message, signature };
}
