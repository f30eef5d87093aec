/** Packed refs whose file does not say what tags point at: the objects are asked. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git, gitBytes } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

const directory = createRepository(temporaryDirectory(), 'a.git');
const history = new History();
const mark = history.commit({ branch: 'main', files: { file: 'content\n' } });
history.tag('v1', mark);
history.tag('v2', mark);
history.importInto(directory);
git(directory, ['tag', '-a', '-m', 'nested', 'v3', 'v2']);
git(directory, ['tag', 'light', 'main']);
git(directory, ['update-ref', 'refs/other/tagged', 'v1']);
git(directory, ['pack-refs', '--all']);
const file = path.join(directory, 'packed-refs');
const lines = fs.readFileSync(file, 'latin1').split('\n');
const bare = lines.filter((line) => !/^[#^]/.test(line)).join('\n');
const server = new UploadPackV2(directory);

it.each([
  ['no header', bare],
  ['a header that promises nothing', `# pack-refs with: sorted \n${bare}`],
  ['values for tags only', lines.join('\n').replace(' fully-peeled', '')],
  ['all values', lines.join('\n')],
])('a file with %s gives the same answers', async (_, text) => {
  fs.writeFileSync(file, text, 'latin1');
  const request = encodeRequest('ls-refs', ['peel', 'symrefs']);
  const env = { ...GIT_ENVIRONMENT, GIT_PROTOCOL: 'version=2' };
  const expected = gitBytes(directory, ['upload-pack', '--stateless-rpc', directory], {
    env,
    input: request,
  });
  expect(Buffer.from(await server.feed(request)).toString()).toBe(expected.toString());

  const commit = git(directory, ['rev-parse', 'main']);
  const fetched = await server.feed(encodeRequest('fetch', ['include-tag', `want ${commit}`, 'done']));
  const sent = readPack(parseFetchAnswer(fetched).pack).map(({ oid }) => oid);
  const tags = git(directory, ['rev-parse', 'v1', 'v2', 'v3']).split('\n');
  expect(sent).toEqual(expect.arrayContaining([commit, ...tags]));
});
