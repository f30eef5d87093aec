import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { readLoose, readLooseHeader, streamLoose } from '../../../src/repository/loose-objects.ts';
import { scratchDirectory } from '../scratch.ts';
import { readCorpus } from '../storage.ts';
import { isDocumented, must, orRefused, type Target } from '../target.ts';

let file: string | undefined;

/** The file, or (where the first byte is even) what is deflated to make one. */
export const loose: Target = {
  name: 'loose',
  reads: 'loose objects, whole and as streams',
  seeds: () => readCorpus('loose'),
  tokens: ['blob ', 'tree ', 'commit ', 'tag ', '\0', ' 0\0', ' 99999999999\0', 'x\x9c'],
  async run(input) {
    file ??= path.join(scratchDirectory(), 'object');
    const bytes = input.subarray(1);
    fs.writeFileSync(file, (input[0] ?? 0) % 2 === 0 ? zlib.deflateSync(bytes, { level: 1 }) : bytes);
    const header = orRefused(() => readLooseHeader(file!));
    const whole = orRefused(() => readLoose(file!));
    const streamed = await readStream(file);
    must((whole === undefined) === (streamed === undefined), 'an object is refused in both ways or in none');
    if (!whole) return;
    must(whole.data.equals(streamed!), 'a stream gives the same');
    must(header?.size === whole.data.length && header.type === whole.type, 'the header says what there is');
  },
};

async function readStream(name: string): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  try {
    for await (const part of streamLoose(name)) parts.push(part);
    return Buffer.concat(parts);
  } catch (error) {
    if (isDocumented(error)) return undefined;
    throw error;
  }
}
