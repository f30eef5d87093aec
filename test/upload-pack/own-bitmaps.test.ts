/** What gets a bitmap of our own where some objects are loose: they have no bits. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { Pace } from '../../src/pack/pace.ts';
import { OwnBitmaps } from '../../src/store/own-bitmaps.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { encodeRequest } from '../support/requests.ts';

const COMMITS = 30;

/** A history in one pack, but for the objects that are new with commit `loose`. */
function createSource(loose: number): string {
  const source = createRepository(temporaryDirectory(), 'source.git');
  const history = new History();
  for (let n = 0; n < COMMITS; n++) history.commit({ branch: 'main', files: { file: `${n}\n` } });
  history.importInto(source);
  const commit = git(source, ['rev-parse', `main~${COMMITS - 1 - loose}`]);
  const all = git(source, ['rev-list', '--objects', '--no-object-names', 'main']).split('\n');
  const own = [commit, ...['', 'file'].map((name) => git(source, ['rev-parse', `${commit}:${name}`]))];
  const packed = all.filter((oid) => !own.includes(oid));
  const packs = path.join(source, 'objects/pack');
  const pack = (oids: readonly string[]) =>
    gitBytes(source, ['pack-objects', '-q', '--stdout'], { input: oids.map((oid) => `${oid}\n`).join('') });
  const [most, rest] = [pack(packed), pack(own)];
  for (const name of fs.readdirSync(packs)) fs.rmSync(path.join(packs, name), { force: true });
  git(source, ['unpack-objects', '-q'], { input: rest });
  git(source, ['index-pack', '--stdin'], { input: most });
  return source;
}

async function build(source: string) {
  const ownBitmaps = new OwnBitmaps(temporaryDirectory());
  const server = new UploadPackV2(source, { ownBitmaps });
  const bytes = await new UploadPack(source).buildBitmaps(ownBitmaps, new Pace());
  const request = encodeRequest('fetch', [`want ${git(source, ['rev-parse', 'main'])}`, 'done']);
  const { statistics } = await server.feed(request, () => {});
  server.close();
  return { bytes, statistics };
}

test('none, where every commit reaches a loose object', async () => {
  const { bytes, statistics } = await build(createSource(0));
  expect(bytes).toBeUndefined();
  expect(statistics).toMatchObject({ bitmap: 'absent', walked: COMMITS * 3 });
});

test('those below the first commit that is loose', async () => {
  const { bytes, statistics } = await build(createSource(COMMITS - 4));
  expect(bytes).toBeGreaterThan(0);
  expect(statistics).toMatchObject({ bitmap: 'used', walked: 4 * 3, objects: { total: COMMITS * 3 } });
});
