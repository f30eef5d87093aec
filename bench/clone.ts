/** `clone`: full and shallow clones, by the service and by `git upload-pack`. */
import type { BenchOptions } from './bench.ts';
import { compare } from './compare.ts';
import { git } from './git.ts';
import { encodeFetch } from './request.ts';
import { openSource } from './source.ts';

export async function clone(options: BenchOptions): Promise<string> {
  const source = await openSource(options);
  const { directory, format } = source;
  const refs = git(directory, 'for-each-ref', '--format=%(objectname)', 'refs/heads/', 'refs/tags/');
  const wants = [...new Set(refs.split('\n'))];
  const head = git(directory, 'rev-parse', 'HEAD');
  return compare(
    source,
    [
      {
        name: 'clone',
        request: encodeFetch({ wants, haves: [] }, format),
        pack: true,
        bitmap: true,
      },
      {
        name: 'clone, depth 1',
        request: encodeFetch({ wants: [head], haves: [], depth: 1 }, format),
        pack: true,
        // git uses none for shallow clones.
        bitmap: false,
      },
    ],
    options,
  );
}
