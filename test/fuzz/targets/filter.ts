import { parseFilter } from '../../../src/pack/filter.ts';
import { SparsePatterns } from '../../../src/pack/sparse-patterns.ts';
import { isTooLong, wildmatch } from '../../../src/wildmatch.ts';
import { splitParts } from '../parts.ts';
import { readCorpus } from '../storage.ts';
import { orRefused, type Target } from '../target.ts';

/** A filter as a client writes it, patterns of a sparse checkout, and a path to match. */
export const filter: Target = {
  name: 'filter',
  reads: 'filters, sparse patterns and wildcards',
  seeds: () => readCorpus('filter'),
  tokens: [
    'combine:',
    '+',
    '%2b',
    '%63ombine:',
    'blob:limit=',
    'tree:',
    '**/',
    '/**',
    '*',
    '?',
    '[a-',
    '[[:alpha:]]',
    '[^',
    '\\',
    '!',
    '\n',
    '/',
  ],
  run(input) {
    const [spec, patterns, path] = splitParts(input, 3).map((part) => part.toString('latin1'));
    orRefused(() => parseFilter(spec));
    const sparse = orRefused(() => new SparsePatterns(patterns));
    sparse?.match(path, true);
    sparse?.match(path, false);
    const [pattern] = patterns.split('\n');
    if (isTooLong(pattern, path)) return;
    for (const pathname of [true, false]) wildmatch(pattern, path, { pathname, caseless: pathname });
  },
};
