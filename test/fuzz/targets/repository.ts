import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { RepositoryCaches } from '../../../src/repository/repository-caches.ts';
import { UploadPack } from '../../../src/upload-pack/upload-pack.ts';
import { encodeRequest } from '../../support/requests.ts';
import { withTrailer } from '../checksums.ts';
import { splitParts } from '../parts.ts';
import { ask, makeServed, mustBePackets } from '../served.ts';
import { readCorpus } from '../storage.ts';
import { must, type Target } from '../target.ts';

/** Files of fixtures that are damaged, by what their names end with. */
const DAMAGED: readonly (readonly [fixture: string, end: string])[] = [
  ['midx-btmp', 'multi-pack-index'],
  ['midx-btmp', '.bitmap'],
  ['midx-btmp', '.idx'],
  ['pack-all-tails', '.bitmap'],
  ['pack-all-tails', '.idx'],
  ['pack-all-tails', '.rev'],
  ['pack-all-tails', '.pack'],
  ['pack-lookup-table', 'commit-graph'],
];

interface Place {
  readonly directory: string;
  /** The file that is damaged, and what it was. */
  readonly file: string;
  readonly good: Buffer;
}

/** As in a worker, what is open stays so. */
const caches = new RepositoryCaches();
let places: readonly Place[] | undefined;

/** Which of the files of some repositories is another, and what it is; then these are cloned and fetched from. */
export const repository: Target = {
  name: 'repository',
  reads: 'whole repositories with one damaged index, bitmap, graph or pack: clones and fetches',
  seeds: () => findPlaces().map(({ good }, i) => Buffer.concat([Buffer.from([i]), good])),
  repair(input) {
    const isPack = DAMAGED[input[0] % DAMAGED.length][1] === '.pack';
    return isPack ? input : Buffer.concat([input.subarray(0, 1), withTrailer(input.subarray(1))]);
  },
  async run(input) {
    if (input.length === 0) return;
    const { directory, file, good } = findPlaces()[input[0] % DAMAGED.length];
    replace(file, input.subarray(1));
    const server = new UploadPack(directory, { caches });
    try {
      const request = REQUESTS[zlib.crc32(input) % REQUESTS.length];
      const answer = await ask(server, 2, encodeRequest('fetch', ['no-progress', ...request]));
      mustBePackets(answer);
      must(answer.bytes.length > 0, 'there is an answer');
    } finally {
      replace(file, good);
    }
  },
};

/** The fixtures hold the same history. */
const MAIN = '37a4f3f602b6094dedc59275371bee4425fba09e';
const OLDER = '4f0abc46e2e7550513ef94bef5e5acdddd208c74';

const REQUESTS: readonly (readonly string[])[] = [
  [`want ${MAIN}`, 'ofs-delta', 'include-tag', 'done'],
  [`want ${MAIN}`, `have ${OLDER}`, 'thin-pack', 'ofs-delta', 'done'],
  [`want ${MAIN}`, 'filter blob:none', 'done'],
  [`want ${MAIN}`, 'deepen 3', 'done'],
];

function findPlaces(): readonly Place[] {
  places ??= DAMAGED.map(([name, end]) => {
    const directory = makeServed(name);
    if (end === 'commit-graph') writeGraph(directory);
    const objects = path.join(directory, 'objects');
    const [found] = fs
      .readdirSync(objects, { recursive: true, encoding: 'utf8' })
      .filter((each) => each.endsWith(end));
    const file = path.join(objects, found);
    return { directory, file, good: fs.readFileSync(file) };
  });
  return places;
}

function writeGraph(directory: string): void {
  const file = path.join(directory, 'objects/info/commit-graph');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, splitParts(readCorpus('commit-graph')[1], 1)[0]);
}

/** A file with another inode, as what is kept goes by that. */
function replace(file: string, content: Buffer): void {
  fs.writeFileSync(`${file}.new`, content);
  fs.renameSync(`${file}.new`, file);
}
