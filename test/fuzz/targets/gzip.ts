import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import zlib from 'node:zlib';
import { readBody } from '../../../src/front/http/request-body.ts';
import { ByteBudget } from '../../../src/protocol/byte-budget.ts';
import { readCorpus } from '../storage.ts';
import { isDocumented, must, type Target } from '../target.ts';

const LIMIT = 64 * 1024;

/** The first byte says how the body comes: whether gzipped, whether it ends, and in which pieces. */
export const gzip: Target = {
  name: 'gzip',
  reads: 'bodies of requests',
  seeds: () => readCorpus('gzip'),
  repair: (input) =>
    (input[0] & 4) !== 0 ? Buffer.concat([input.subarray(0, 1), zlib.gzipSync(input.subarray(1))]) : input,
  async run(input) {
    const how = input[0] ?? 0;
    const bytes = input.subarray(1);
    const message = new IncomingMessage(new Socket());
    if (how & 1) message.headers['content-encoding'] = 'gzip';
    const step = 1 + (how >> 3) * 64;
    for (let at = 0; at < bytes.length; at += step) message.push(bytes.subarray(at, at + step));
    message.push(null);
    message.complete = true;
    if (how & 2) setImmediate(() => message.destroy());
    const memory = new ByteBudget(2 * LIMIT).open();
    const limits = { size: LIMIT, memory, idle: 0, signal: new AbortController().signal };
    try {
      const body = await readBody(message, limits);
      must(body.length <= LIMIT, 'a body is within its limit');
      must((how & 1) !== 0 || Buffer.compare(body, bytes) === 0, 'a plain body is what was sent');
    } catch (error) {
      if (!isDocumented(error)) throw error;
    } finally {
      memory.release();
      message.destroy();
    }
  },
};
