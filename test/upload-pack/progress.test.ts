/** Progress is told in the words of git. */
import { expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git, gitBytes } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

it('says the same as git', async () => {
  const repository = createRepository(temporaryDirectory(), 'a.git');
  const history = new History();
  for (let i = 0; i < 3; i++)
    history.commit({ branch: 'main', files: { file: `version ${i}\n`.repeat(50) } });
  history.importInto(repository);
  const request = encodeRequest('fetch', [
    `want ${git(repository, ['rev-parse', 'main'])}`,
    'ofs-delta',
    'done',
  ]);
  const expected = gitBytes(repository, ['upload-pack', '--stateless-rpc', '.'], {
    env: { ...GIT_ENVIRONMENT, GIT_PROTOCOL: 'version=2' },
    input: request,
  });
  const words = (response: Uint8Array) =>
    parseFetchAnswer(response)
      .progress.split(/[\r\n]/)
      .filter((line) => /done\.$|^Total/.test(line) && !line.startsWith('Compressing'))
      .map((line) => line.replace(/delta \d+|reused \d+|pack-reused.*/g, '').trim());
  expect(words(await new UploadPackV2(repository).feed(request))).toEqual(words(expected));
});
