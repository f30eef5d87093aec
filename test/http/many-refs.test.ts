/** Lists of refs that are longer than what may be on its way at once. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git, gitBytes } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { post } from '../support/raw-client.ts';
import { encodeRequest } from '../support/requests.ts';
import { startService } from '../support/service.ts';

test('60,000 refs, to several clients at once, are what git sends', async () => {
  const root = temporaryDirectory();
  const repository = createRepository(root, 'many.git');
  const history = new History();
  const mark = history.commit({ branch: 'main', files: { file: 'content\n' } });
  history.tag('v1', mark);
  history.importInto(repository);
  const [commit, tag] = git(repository, ['rev-parse', 'main', 'v1']).split('\n');
  const lines = Array.from({ length: 60_000 }, (_, i) => {
    const name = `refs/tags/${`${i}`.padStart(5, '0')}`;
    return i % 3 === 0 ? `${tag} ${name}\n^${commit}\n` : `${commit} ${name}\n`;
  });
  const text = `# pack-refs with: peeled fully-peeled sorted \n${lines.join('')}`;
  fs.writeFileSync(path.join(repository, 'packed-refs'), text);
  const request = encodeRequest('ls-refs', ['peel', 'symrefs']);
  const env = { ...GIT_ENVIRONMENT, GIT_PROTOCOL: 'version=2' };
  const expected = gitBytes(repository, ['upload-pack', '--stateless-rpc', repository], {
    env,
    input: request,
  });
  expect(expected.length).toBeGreaterThan(3 * 2 ** 20);
  const service = await startService(root);
  for (let round = 0; round < 2; round++) {
    const answers = await Promise.all([1, 2, 3, 4].map(() => post(service, 'many.git', request)));
    for (const { body } of answers) expect(body.equals(expected)).toBe(true);
  }
});
