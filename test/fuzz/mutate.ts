/** Mutations that know nothing of the format: bits, bytes, numbers, and pieces moved about. */
import type { Random } from './random.ts';

/** An input never grows beyond this. */
export const LONGEST_INPUT = 64 * 1024;

/** Numbers at which something often goes wrong. */
const INTERESTING = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 511, 512, 1000, 1023,
  1024, 4095, 4096, 32767, 32768, 65515, 65516, 65519, 65520, 65535, 65536, 0x7fffff, 0x800000, 0xffffff,
  0x1000000, 0x70000000, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff,
];

type Mutation = (
  input: Buffer,
  random: Random,
  others: readonly Buffer[],
  tokens: readonly Buffer[],
) => Buffer;

/** Some mutations, one after the other. `others` and `tokens` are where bytes are taken from. */
export function mutate(
  input: Buffer,
  random: Random,
  others: readonly Buffer[],
  tokens: readonly Buffer[],
): Buffer {
  let result: Buffer = Buffer.from(input);
  for (let left = 1 + random.small(6); left > 0; left--) {
    result = random.pick(MUTATIONS)(result, random, others, tokens);
    if (result.length > LONGEST_INPUT) result = result.subarray(0, LONGEST_INPUT);
  }
  return result;
}

const flipBit: Mutation = (input, random) => {
  if (input.length > 0) input[random.below(input.length)] ^= 1 << random.below(8);
  return input;
};

const setByte: Mutation = (input, random) => {
  if (input.length > 0) input[random.below(input.length)] = random.below(256);
  return input;
};

const addToByte: Mutation = (input, random) => {
  if (input.length > 0) input[random.below(input.length)] += random.below(17) - 8;
  return input;
};

const putNumber: Mutation = (input, random) => {
  const size = random.pick([1, 2, 3, 4, 4, 8]);
  if (input.length < size) return input;
  const at = random.below(input.length - size + 1);
  const value = BigInt(random.pick(INTERESTING)) * (random.oneIn(8) ? 0x100000001n : 1n);
  const littleEndian = random.oneIn(4);
  for (let i = 0; i < size; i++) {
    input[at + (littleEndian ? i : size - 1 - i)] = Number((value >> BigInt(8 * i)) & 255n);
  }
  return input;
};

const putDigits: Mutation = (input, random) => {
  const text = random.pick(INTERESTING).toString(random.pick([10, 16]));
  return replace(input, random.below(input.length + 1), random.small(8), Buffer.from(text));
};

const truncate: Mutation = (input, random) => input.subarray(0, random.below(input.length + 1));

const remove: Mutation = (input, random) => {
  const at = random.below(input.length + 1);
  return replace(input, at, random.small(input.length - at + 1), Buffer.alloc(0));
};

const insertBytes: Mutation = (input, random) => {
  const bytes = Buffer.alloc(1 + random.small(random.oneIn(20) ? 4096 : 32), random.below(256));
  if (random.oneIn(2)) for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  return replace(input, random.below(input.length + 1), 0, bytes);
};

const repeat: Mutation = (input, random) => {
  const from = random.below(input.length + 1);
  const piece = input.subarray(from, from + 1 + random.small(64));
  const times = 1 + random.small(random.oneIn(20) ? 500 : 6);
  return replace(input, from, 0, Buffer.concat(Array<Buffer>(times).fill(piece)));
};

const copyWithin: Mutation = (input, random) => {
  const from = random.below(input.length + 1);
  const piece = Buffer.from(input.subarray(from, from + 1 + random.small(64)));
  return replace(input, random.below(input.length + 1), random.oneIn(2) ? piece.length : 0, piece);
};

const splice: Mutation = (input, random, others) => {
  const other = others.length > 0 ? random.pick(others) : input;
  const from = random.below(other.length + 1);
  const piece = other.subarray(from, from + 1 + random.small(other.length));
  return replace(input, random.below(input.length + 1), random.small(piece.length + 1), piece);
};

const putToken: Mutation = (input, random, _others, tokens) => {
  if (tokens.length === 0) return setByte(input, random, [], []);
  const token = random.pick(tokens);
  return replace(input, random.below(input.length + 1), random.oneIn(2) ? token.length : 0, token);
};

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  addToByte,
  putNumber,
  putNumber,
  putNumber,
  putDigits,
  truncate,
  remove,
  insertBytes,
  repeat,
  copyWithin,
  splice,
  putToken,
  putToken,
];

function replace(input: Buffer, at: number, length: number, by: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), by, input.subarray(at + length)]);
}
