/** Repositories of blobs that nothing compresses: the pack is as long as its content. */
import { feedGit, type GitInput, git } from './git.ts';
import { SeededRandom } from './random.ts';

/** 1,439 blobs in three commits with a tree each: 1,445 objects. */
const COMMITS = 3;
const BLOBS = 1439;
/** Bytes of those blobs together; what git adds makes the pack 161 MB. */
const BLOB_BYTES = 160_850_000;
/** Long enough for no two to be the same. */
const LEAST_BLOB = 64;
const BIG_BLOB = 2 ** 30;
const SLICE = 2 ** 20;

/** Stored without compression: it would cost time and save nothing. */
const IMPORT = ['-c', 'core.compression=0', '-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet'];

export function makeTiny(directory: string): Promise<void> {
  return feedGit(directory, IMPORT, async (input) => {
    await input.write(commit(0));
    await input.write('M 100644 inline README\ndata 6\nHello\n\n');
  });
}

/** Sizes from 64 bytes to about 450 KB; as many in each commit. */
export function makeManyBlobs(directory: string): Promise<void> {
  const random = new SeededRandom('many-blobs');
  const shares = Array.from({ length: BLOBS }, () => random.fraction() ** 3);
  const scale = BLOB_BYTES / shares.reduce((sum, share) => sum + share);
  return feedGit(directory, [...IMPORT, '--depth=0'], async (input) => {
    for (const [i, share] of shares.entries()) {
      if (i % Math.ceil(BLOBS / COMMITS) === 0) await input.write(commit(i));
      await file(input, `file-${i}`, random, LEAST_BLOB + Math.floor(share * scale));
    }
  });
}

export function makePackedBlob(directory: string): Promise<void> {
  return feedGit(directory, IMPORT, async (input) => {
    await input.write(commit(0));
    await file(input, 'blob', new SeededRandom('big-blob'), BIG_BLOB);
  });
}

export async function makeLooseBlob(directory: string): Promise<void> {
  const random = new SeededRandom('big-blob');
  // Above the threshold git would put it into a pack.
  const args = ['-c', 'core.bigFileThreshold=4g', '-c', 'core.compression=0', 'hash-object', '-w', '--stdin'];
  await feedGit(directory, args, (input) => content(input, random, BIG_BLOB));
  const [blob] = git(directory, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)').split('\n');
  const unpack = ['-c', 'fastimport.unpackLimit=100', 'fast-import', '--quiet'];
  await feedGit(directory, unpack, async (input) => {
    await input.write(`${commit(0)}M 100644 ${blob} blob\n\n`);
  });
}

/** The head of a commit on `main`, in the language of fast-import; changes follow. */
function commit(n: number): string {
  const message = `Commit ${n}\n`;
  const who = `Carl Committer <carl@example.com> ${1_700_000_000 + n} +0000`;
  return `commit refs/heads/main\ncommitter ${who}\ndata ${message.length}\n${message}`;
}

async function file(input: GitInput, name: string, random: SeededRandom, bytes: number): Promise<void> {
  await input.write(`M 100644 inline ${name}\ndata ${bytes}\n`);
  await content(input, random, bytes);
  await input.write('\n');
}

async function content(input: GitInput, random: SeededRandom, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= SLICE) await input.write(random.bytes(Math.min(SLICE, left)));
  await input.flush();
}
