import { TreeContent } from '../../../src/pack/tree-content.ts';
import { OBJECT_FORMATS } from '../../../src/repository/object-format.ts';
import {
  forEachTreeEntry,
  kindOfTreeEntry,
  parseCommit,
  parseTag,
} from '../../../src/repository/parse-object.ts';
import { readCorpus } from '../storage.ts';
import { must, orRefused, succeeds, type Target } from '../target.ts';

/** The first byte says what the rest is, and how long its ids are. */
export const tree: Target = {
  name: 'tree',
  reads: 'trees, commits and tags',
  seeds: () => readCorpus('tree'),
  tokens: [
    '40000 ',
    '100644 ',
    '160000 ',
    '\0',
    'tree ',
    'parent ',
    '\ncommitter ',
    '> ',
    'object ',
    '\ntype ',
    '\n\n',
  ],
  run(input) {
    const kind = input[0] ?? 0;
    const format = OBJECT_FORMATS[kind & 4 ? 'sha256' : 'sha1'];
    const data = Buffer.from(input.subarray(1));
    if ((kind & 3) === 1) orRefused(() => parseCommit(data, format));
    else if ((kind & 3) === 2) orRefused(() => parseTag(data, format));
    else readTree(data, format.bytes);
  },
};

function readTree(data: Buffer, hash: number): void {
  const names: number[] = [];
  const isRead = succeeds(() => {
    forEachTreeEntry(data, hash, (kind, name, id) => {
      must(name <= id - 1 && id + hash <= data.length, 'an entry lies in its tree');
      names.push(name);
      must(['tree', 'blob', 'gitlink'].includes(kind), 'an entry is of a kind');
    });
  });
  const content = new TreeContent(hash);
  const isTaken = succeeds(() => content.set(data));
  must(isRead === isTaken, 'a tree is refused in both ways or in none');
  if (!isTaken) return;
  must(content.count === names.length, 'a tree has the same entries in both ways');
  for (let i = 0; i < content.count; i++) kindOfTreeEntry(data, content.starts[i]);
}
