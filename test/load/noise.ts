/** Repositories of files that nothing compresses: a pack is as long as what is in it. */
import { feedGit } from '../../bench/git.ts';
import { SeededRandom } from '../../bench/random.ts';
import { createRepository } from '../support/history.ts';
import { SEED } from './form.ts';

const BLOB_BYTES = 120_000;

/** One commit of so many bytes, in one pack or in loose objects. */
export async function makeNoise(
  root: string,
  name: string,
  bytes: number,
  { loose = false } = {},
): Promise<void> {
  const directory = createRepository(root, name);
  const random = new SeededRandom(`${SEED} ${name}`);
  const flags = ['-c', 'core.compression=0', '-c', `fastimport.unpackLimit=${loose ? 1_000_000 : 0}`];
  await feedGit(directory, [...flags, 'fast-import', '--quiet', '--depth=0'], async (input) => {
    await input.write('commit refs/heads/main\ncommitter C <c@example.com> 1700000000 +0000\ndata 2\nc\n');
    for (let n = 0; n * BLOB_BYTES < bytes; n++) {
      await input.write(`M 100644 inline directory-${n % 40}/file-${n}\ndata ${BLOB_BYTES}\n`);
      await input.write(random.bytes(BLOB_BYTES));
      await input.write('\n');
    }
  });
}
