/**
 * The cases of git's t5704 (violations of the protocol) that are a server's, byte for byte; the third there feeds a client. What
 * git says on stderr goes to the client.
 */
import { expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { gitAnswer } from '../support/git-answer.ts';
import { createRepository } from '../support/history.ts';
import { DELIM, pkt } from '../support/requests.ts';

const repository = createRepository(temporaryDirectory(), 'a.git');
const server = new UploadPackV2(repository);

function head(command: string): string {
  return pkt(`command=${command}`) + pkt('object-format=sha1');
}

it.each<[title: string, request: string, text: string]>([
  [
    'a delimiter behind the arguments of ls-refs',
    head('ls-refs') + DELIM + DELIM,
    'expected flush after ls-refs arguments',
  ],
  [
    'a delimiter behind the arguments of fetch',
    head('fetch') + DELIM + DELIM,
    'expected flush after fetch arguments',
  ],
  // What is wrong with a line comes before what is wrong behind it.
  [
    'an argument of ls-refs that is wrong before a delimiter',
    head('ls-refs') + DELIM + pkt('foo') + DELIM,
    "unexpected line: 'foo'",
  ],
  [
    'an argument of fetch that is wrong before a delimiter',
    head('fetch') + DELIM + pkt('foo') + DELIM,
    "unexpected line: 'foo'",
  ],
])('%s', async (_, request, text) => {
  expect(Buffer.from(await server.feed(Buffer.from(request))).toString()).toBe(pkt(`ERR ${text}`));
  const { stdout, stderr } = gitAnswer(repository, request);
  expect(stdout).toHaveLength(0);
  expect(stderr.trim()).toBe(`fatal: ${text}`);
});
