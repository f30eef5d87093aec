/** `lsrefs.unborn`: whether a client that asks is told where `HEAD` of an empty repository leads. */
import { expect, test } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git, gitBytes } from '../support/git.ts';
import { createRepository } from '../support/history.ts';
import { encodeRequest } from '../support/requests.ts';

const request = encodeRequest('ls-refs', ['symrefs', 'unborn']);

test.each([[undefined], ['advertise'], ['allow'], ['ignore']])('lsrefs.unborn=%s', async (mode) => {
  const repository = createRepository(temporaryDirectory(), 'empty.git');
  if (mode) git(repository, ['config', 'lsrefs.unborn', mode]);
  const env = { ...GIT_ENVIRONMENT, GIT_PROTOCOL: 'version=2' };
  const expected = gitBytes(repository, ['upload-pack', '--stateless-rpc', '.'], { env, input: request });
  const server = new UploadPackV2(repository);
  expect(Buffer.from(await server.feed(request)).toString()).toBe(expected.toString());
  const advertised = Buffer.from(server.advertise()).toString().includes('ls-refs=unborn');
  expect(advertised).toBe(mode === undefined || mode === 'advertise');
});

test('another value is refused', async () => {
  const repository = createRepository(temporaryDirectory(), 'empty.git');
  git(repository, ['config', 'lsrefs.unborn', 'always']);
  const server = new UploadPackV2(repository);
  const message = "invalid value for 'lsrefs.unborn': 'always'";
  expect(() => server.advertise()).toThrow(message);
  expect(Buffer.from(await server.feed(request)).toString()).toContain(`ERR ${message}`);
});
