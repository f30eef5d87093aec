import { NumberList } from '../../../src/pack/number-list.ts';
import { TreeContent } from '../../../src/pack/tree-content.ts';
import { applyDelta, checkDeltaHeader } from '../../../src/repository/apply-delta.ts';
import { applyDeltaStream } from '../../../src/repository/apply-delta-stream.ts';
import { splitParts } from '../parts.ts';
import { readCorpus } from '../storage.ts';
import { isDocumented, must, orRefused, succeeds, type Target } from '../target.ts';

/** A base, then the delta: applied whole, as a stream, and to a tree. */
export const delta: Target = {
  name: 'delta',
  reads: 'deltas, applied in three ways',
  seeds: () => readCorpus('delta'),
  tokens: [
    '\x80',
    '\xff\0\0\0\0\xff\xff\xff',
    '\x90',
    '\xb0',
    '\x7f',
    '\x91\0\x14',
    '\x80\x80\x80\x80\x01',
    '40000 d\0',
  ],
  async run(input) {
    const [base, bytes] = splitParts(input, 2);
    const whole = orRefused(() => apply(base, bytes));
    const streamed = await applyStreamed(base, bytes, 1 + (input.length % 97));
    must((whole === undefined) === (streamed === undefined), 'a delta is refused in both ways or in none');
    if (whole && streamed) must(whole.equals(streamed), 'a delta gives the same in both ways');
    deriveTree(base, bytes, whole);
  },
};

function apply(base: Buffer, bytes: Buffer): Buffer {
  const result = Buffer.alloc(checkDeltaHeader(bytes, base.length).resultSize);
  applyDelta(base, bytes, result);
  return result;
}

async function applyStreamed(base: Buffer, bytes: Buffer, step: number): Promise<Buffer | undefined> {
  const access = {
    size: base.length,
    read(offset: number, length: number) {
      must(offset >= 0 && offset + length <= base.length, 'only the base is read');
      return base.subarray(offset, offset + length);
    },
  };
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
  }
  const slices: Buffer[] = [];
  try {
    for await (const slice of applyDeltaStream(access, pieces())) slices.push(slice);
    return Buffer.concat(slices);
  } catch (error) {
    if (isDocumented(error)) return undefined;
    throw error;
  }
}

/** A tree that comes from another is the same as one that is read. */
function deriveTree(base: Buffer, bytes: Buffer, whole: Buffer | undefined): void {
  const from = new TreeContent(20);
  if (!succeeds(() => from.set(base))) return;
  const derived = new TreeContent(20);
  const fresh = new NumberList();
  const isDerived = succeeds(() => derived.derive(from, bytes, fresh));
  const read = new TreeContent(20);
  const isRead = whole !== undefined && succeeds(() => read.set(whole));
  must(isDerived === isRead, 'a tree is refused in both ways or in none');
  if (!isDerived) return;
  must(derived.count === read.count && derived.data.equals(read.data), 'a derived tree has the same entries');
  for (let i = 0; i <= read.count; i++)
    must(derived.starts[i] === read.starts[i], 'entries start where they do');
}
