/**
 * Makes the corpus anew, from the fixtures and from what git writes: `node test/fuzz/make-corpus.ts`. Inputs are small, as
 * each is read some hundred times a second.
 */

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { OBJECT_FORMATS, OFS_DELTA } from '../../src/repository/object-format.ts';
import { PackFile } from '../../src/repository/pack-file.ts';
import { PackIndex } from '../../src/repository/pack-index.ts';
import { WindowCache } from '../../src/repository/windows.ts';
import { already, inOneGo } from '../../src/stretches.ts';
import { writeIndex } from '../repository/write-index.ts';
import { copyFixture, expectedObjects } from '../support/fixtures.ts';
import { GIT_ENVIRONMENT, git, gitBytes } from '../support/git.ts';
import { encodeRequest, pkt, v2Request } from '../support/requests.ts';
import { memoryFile } from './memory-file.ts';
import { joinParts } from './parts.ts';
import { writeCorpus } from './storage.ts';

const { sha1 } = OBJECT_FORMATS;
/** Larger files are of no use as inputs. */
const LARGEST = 10 * 1024;

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'packhorse-corpus-'));
process.on('exit', () => fs.rmSync(work, { recursive: true, force: true }));
fs.rmSync(path.join(import.meta.dirname, 'corpus'), { recursive: true, force: true });

const fixture = (name: string) => {
  const made = path.join(work, `${name}.git`);
  return fs.existsSync(made) ? made : copyFixture(work, name);
};
const packDirectory = (name: string) => path.join(fixture(name), 'objects/pack');
const filesOf = (directory: string, end: string) =>
  fs
    .readdirSync(directory)
    .filter((file) => file.endsWith(end))
    .sort();
const byte = (...values: number[]) => Buffer.from(values);
const latin1 = (text: string) => Buffer.from(text, 'latin1');

makeRequests();
makeTexts();
makeRefs();
makeIndexes();
makePacks();
makeGraphs();
makeObjects();

function makeRequests(): void {
  const ids = expectedObjects('pack-all-tails');
  const main = git(fixture('pack-all-tails'), ['rev-parse', 'refs/heads/main']);
  const older = git(fixture('pack-all-tails'), ['rev-parse', 'refs/heads/main~9']);
  const tables = expectedObjects('reftable-sha1')[0];
  const v2 = (name: string, request: Buffer) => writeCorpus('v2-request', name, request);
  v2(
    'ls-refs',
    encodeRequest('ls-refs', ['peel', 'symrefs', 'unborn', 'ref-prefix refs/heads/', 'ref-prefix HEAD']),
  );
  v2('clone', encodeRequest('fetch', [`want ${main}`, 'thin-pack', 'include-tag', 'ofs-delta', 'done']));
  v2(
    'fetch',
    encodeRequest('fetch', [`want ${main}`, `have ${older}`, `have ${'a'.repeat(40)}`, 'ofs-delta']),
  );
  v2(
    'fetch-done',
    encodeRequest('fetch', [`want ${main}`, `have ${older}`, 'thin-pack', 'no-progress', 'done']),
  );
  v2(
    'shallow',
    encodeRequest('fetch', [`want ${main}`, `shallow ${older}`, 'deepen 3', 'deepen-relative', 'done']),
  );
  v2(
    'since',
    encodeRequest('fetch', [`want ${main}`, 'deepen-since 1700030000', 'deepen-not refs/tags/v6', 'done']),
  );
  v2('filter', encodeRequest('fetch', [`want ${main}`, 'filter combine:blob:limit=9+tree:2', 'done']));
  v2('sparse', encodeRequest('fetch', [`want ${main}`, 'filter sparse:oid=main:log.txt', 'done']));
  v2(
    'want-ref',
    encodeRequest('fetch', ['want-ref refs/heads/main', 'sideband-all', 'wait-for-done', `have ${older}`]),
  );
  v2('tables', encodeRequest('fetch', [`want ${tables}`, 'done']));
  v2('object-info', encodeRequest('object-info', ['size', `oid ${main}`, `oid ${ids[0]}`]));
  v2('two', latin1(v2Request('ls-refs', ['peel']) + v2Request('bundle-uri')));
  const v0 = (name: string, lines: readonly string[], end: string) =>
    writeCorpus('v0-request', name, latin1(`${lines.map((line) => pkt(`${line}\n`)).join('')}${end}`));
  const asks = 'multi_ack_detailed side-band-64k thin-pack ofs-delta';
  v0('clone', [`want ${main} ${asks} include-tag`], `0000${pkt('done\n')}`);
  v0('fetch', [`want ${main} ${asks} no-done`], `0000${pkt(`have ${older}\n`)}0000${pkt('done\n')}`);
  v0('multi-ack', [`want ${main} multi_ack side-band`], `0000${pkt(`have ${older}\n`)}${pkt('done\n')}`);
  v0('bare', [`want ${main}`], `0000${pkt(`have ${older}\n`)}0000${pkt(`have ${older}\n`)}${pkt('done\n')}`);
  v0(
    'shallow',
    [`want ${main} ${asks} deepen-relative`, `shallow ${older}`, 'deepen 2'],
    `0000${pkt('done\n')}`,
  );
  v0('filter', [`want ${main} ${asks} filter`, 'filter tree:0'], `0000${pkt('done\n')}`);
  for (const step of [0, 3, 255]) {
    const text = `${pkt('command=x')}0001${pkt('a\n')}${pkt('')}${pkt('ERR no\n')}0000`;
    writeCorpus('pkt-line', `step-${step}`, Buffer.concat([byte(step), latin1(text)]));
  }
  const gitProtocol = (name: string, text: string) => writeCorpus('git-request', name, latin1(text));
  gitProtocol('v2', 'git-upload-pack /a/b.git\0host=example.com:9418\0\0version=2\0');
  gitProtocol('v0', 'git-upload-pack /a.git\n');
  gitProtocol('body', v2Request('ls-refs'));
  const request = encodeRequest('fetch', [`want ${main}`, ...ids.map((id) => `have ${id}`), 'done']);
  writeCorpus('gzip', 'gzipped', Buffer.concat([byte(0x79), zlib.gzipSync(request)]));
  writeCorpus('gzip', 'plain', Buffer.concat([byte(0), request.subarray(0, 500)]));
  writeCorpus('gzip', 'bomb', Buffer.concat([byte(1), zlib.gzipSync(Buffer.alloc(100_000))]));
}

function makeTexts(): void {
  const config = (name: string, text: string) => writeCorpus('config', name, latin1(text));
  config(
    'plain',
    '[core]\n\tbare = true\n\trepositoryformatversion = 0x1\n[extensions]\n\tobjectFormat = sha1\n',
  );
  config('strange', '\xef\xbb\xbf[a "x\\"]\\\\"]b=c\\\n d ; e\n  f # g\r\n[h.i]j = "k # l" m\\t\n[n]O="\n');
  config(
    'keys',
    '[uploadpack]\nallowFilter\nhideRefs = !^refs/a\nhideRefs = refs/b/\n[transfer]\nhideRefs = HEAD\n',
  );
  config('numbers', '[pack]\nwindowMemory = 12k\nwindow = 010\ndepth = -3\n[core]compression = 0xfg\n');
  config('command', "'core.a'='b' 'c.d=e' 'f.g'=");
  const filter = (name: string, spec: string, patterns: string, file: string) =>
    writeCorpus('filter', name, joinParts(latin1(spec), latin1(patterns), latin1(file)));
  filter('combined', 'combine:blob:limit=1k+tree:3+sparse:oid=main%3ax', '/*\n!/*/\n/src/\n', 'src/a/b.c');
  filter(
    'nested',
    'combine:combine%3ablob:none%2btree:1+object:type=blob',
    '**/foo/*.[a-c]\n',
    'a/b/foo/x.b',
  );
  filter('wild', 'blob:none', 'a*b?c[!x-z][[:digit:]]**/d\\*\n*.ts\n', 'aXXbYc53/e/f/d*');
  filter('stars', 'tree:0', '*/*a*/**/*b*/?*c\n', 'x/aaaaaaaa/bbbbbbbb/aaaaaaaaaaab/bbc');
}

function makeRefs(): void {
  const packed = fs.readFileSync(path.join(fixture('pack-all-tails'), 'packed-refs'));
  const lines = packed.toString('latin1').split('\n').slice(1, -1);
  writeCorpus('packed-refs', 'git', packed);
  writeCorpus(
    'packed-refs',
    'unsorted',
    latin1(
      `# pack-refs with: peeled \n${[...lines]
        .reverse()
        .filter((line) => !line.startsWith('^'))
        .join('\n')}\n`,
    ),
  );
  writeCorpus('packed-refs', 'headless', latin1(`${lines.slice(0, 5).join('\n')}\n`));
  for (const name of ['reftable-sha1', 'reftable-sha256', 'reftable-index', 'reftable-worktree']) {
    const directory = path.join(fixture(name), 'reftable');
    for (const [i, file] of filesOf(directory, '.ref').entries()) {
      const table = fs.readFileSync(path.join(directory, file));
      if (table.length <= LARGEST && i < 4) writeCorpus('reftable', `${name}-${i}`, table);
    }
  }
  const id = lines[0].slice(0, 40);
  const small = (name: string, ...texts: string[]) =>
    writeCorpus('small-files', name, joinParts(...texts.map(latin1)));
  const bare = '[core]\n\tbare = true\n';
  small(
    'plain',
    'ref: refs/heads/loose\n',
    `${id}\n`,
    `${lines.slice(0, 3).join('\n')}\n`,
    bare,
    '',
    '',
    'gitdir: pack-lookup-table.git\n',
  );
  small(
    'all',
    `${id}\n`,
    'ref: refs/heads/main\n',
    packed.toString('latin1'),
    bare,
    `${id}\n`,
    '../x\n"\\057y"\n#\n',
    `gitdir: ./pack-lookup-table.git/\r\n`,
  );
  small(
    'ring',
    'ref: refs/heads/loose',
    'ref: HEAD',
    '',
    `${bare}[extensions]\nobjectFormat=sha1\n`,
    `${id}\n`,
    '.\n',
    'gitdir: x',
  );
}

function makeIndexes(): void {
  for (const name of ['midx-btmp', 'pack-all-tails']) {
    for (const file of filesOf(packDirectory(name), '.pack').slice(0, 3)) {
      const stem = path.join(packDirectory(name), file.slice(0, -5));
      const rev = `${stem}.rev`;
      const order = fs.existsSync(rev) ? fs.readFileSync(rev) : revOf(stem);
      writeCorpus('idx', `${name}-${file.slice(5, 11)}`, joinParts(fs.readFileSync(`${stem}.idx`), order));
    }
  }
  const [first] = filesOf(packDirectory('midx-btmp'), '.pack');
  git(work, [
    'index-pack',
    '--index-version=1',
    '-o',
    path.join(work, 'v1.idx'),
    path.join(packDirectory('midx-btmp'), first),
  ]);
  writeCorpus('idx', 'version-1', joinParts(fs.readFileSync(path.join(work, 'v1.idx'))));
  const far = Array.from({ length: 9 }, (_, i) => ({
    oid: `${i}${'0'.repeat(39)}`,
    offset: (i % 3) * 2 ** 33 + i * 50,
  }));
  writeCorpus('idx', 'wide', joinParts(writeIndex(far)));
  const midx = (name: string, file: string) => writeCorpus('midx', name, fs.readFileSync(file));
  for (const name of ['midx-btmp', 'midx-v2']) midx(name, path.join(packDirectory(name), 'multi-pack-index'));
  for (const name of ['midx-btmp', 'midx-lookup-table', 'midx-hash-cache']) {
    const index = fs.readFileSync(path.join(packDirectory(name), 'multi-pack-index'));
    const [bitmaps] = filesOf(packDirectory(name), '.bitmap');
    writeBitmaps(name, path.join(packDirectory(name), bitmaps), objectsOf(index), 0);
  }
  const chain = path.join(packDirectory('midx-chain'), 'multi-pack-index.d');
  const layers = fs.readFileSync(path.join(chain, 'multi-pack-index-chain'), 'utf8').trim().split('\n');
  let below = 0;
  for (const [i, hash] of layers.entries()) {
    const layer = path.join(chain, `multi-pack-index-${hash}`);
    // The first layer is what others are put upon, and comes last.
    midx(i === 0 ? 'z-chain-0' : `chain-${i}`, `${layer}.midx`);
    const objects = below + objectsOf(fs.readFileSync(`${layer}.midx`));
    writeBitmaps(`chain-${i}`, `${layer}.bitmap`, objects, below);
    below = objects;
  }
  for (const name of ['pack-lookup-table', 'pack-pseudo-merges', 'pack-all-tails']) {
    const [bitmaps] = filesOf(packDirectory(name), '.bitmap');
    const index = fs.readFileSync(path.join(packDirectory(name), bitmaps.replace(/bitmap$/, 'idx')));
    writeBitmaps(name, path.join(packDirectory(name), bitmaps), index.readUInt32BE(8 + 255 * 4), 0);
  }
}

function revOf(stem: string): Buffer {
  git(work, ['index-pack', '--rev-index', '-o', path.join(work, 'made.idx'), `${stem}.pack`]);
  return fs.readFileSync(path.join(work, 'made.rev'));
}

/** The last number of a fanout table. */
function objectsOf(midx: Buffer): number {
  const row = midx.indexOf('OIDF');
  return midx.readUInt32BE(midx.readUInt32BE(row + 8) + 255 * 4);
}

function writeBitmaps(name: string, file: string, objects: number, below: number): void {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(objects, 0);
  head.writeUInt16BE(below, 2);
  writeCorpus('bitmap', name, Buffer.concat([head, fs.readFileSync(file)]));
}

function makePacks(): void {
  const windows = new WindowCache(2 ** 20);
  for (const name of ['midx-btmp', 'pack-all-tails']) {
    for (const file of filesOf(packDirectory(name), '.pack').slice(0, 2)) {
      const short = `${name}-${file.slice(5, 11)}`;
      const pack = inOneGo(
        PackFile.open(packDirectory(name), file.slice(0, -5), sha1, windows, new IndexFiles(0)),
      );
      const inflated = inflateAll(pack, path.join(packDirectory(name), file));
      writeEntries(short, inflated);
      writeDeltas(short, inflated);
      pack.release();
    }
  }
  const [small] = filesOf(packDirectory('midx-btmp'), '.pack');
  writePack('deltas', path.join(packDirectory('midx-btmp'), small));
  const repository = path.join(work, 'handmade.git');
  git(work, ['init', '--quiet', '--bare', repository]);
  for (const [name, flags] of Object.entries({ refs: [], whole: ['--depth=0'] })) {
    const from = fixture('pack-all-tails');
    const input = expectedObjects('pack-all-tails')
      .filter((_, i) => i % 6 === 0)
      .join('\n');
    const stem = path.join(work, name);
    const hash = git(from, ['pack-objects', '--quiet', '--window=50', ...flags, stem], { input });
    writePack(name, `${stem}-${hash}.pack`);
  }
}

/** As the target takes it: rows of the index before the pack. */
function writePack(name: string, file: string): void {
  const data = fs.readFileSync(file.replace(/pack$/, 'idx'));
  const index = inOneGo(PackIndex.read(memoryFile(data), sha1, name, () => already(undefined)));
  const count = Math.min(255, index.count);
  const rows: Buffer[] = [];
  for (let rank = 0; rank < count; rank++) {
    const numbers = Buffer.alloc(8);
    numbers.writeUInt32BE(index.offset(rank), 0);
    numbers.writeUInt32BE(index.crc(rank)!, 4);
    rows.push(Buffer.concat([index.oid(rank), numbers]));
  }
  for (const passes of [0, 1]) {
    writeCorpus(
      'pack',
      `${name}-${passes}`,
      Buffer.concat([byte(count, passes, 3), ...rows, fs.readFileSync(file)]),
    );
  }
}

interface Inflated {
  readonly type: number;
  readonly base: number;
  readonly content: Buffer;
}

function inflateAll(pack: PackFile, file: string): Inflated[] {
  const bytes = fs.readFileSync(file);
  return Array.from({ length: pack.index.count }, (_, rank) => {
    const { type, data, baseOffset, baseOid } = pack.header(rank);
    const content = zlib.inflateSync(bytes.subarray(data, pack.end(rank)));
    const base =
      baseOffset !== undefined ? pack.index.rankAt(baseOffset) : baseOid ? pack.index.find(baseOid) : 0;
    return { type, base, content };
  });
}

function writeEntries(name: string, inflated: readonly Inflated[]): void {
  const parts = inflated.slice(0, 40).flatMap(({ type, base, content }) => {
    const head = byte(type, 0, base, 0, 0);
    head.writeUInt16BE(content.length, 3);
    return [head, content];
  });
  writeCorpus('entries', name, Buffer.concat(parts).subarray(0, LARGEST));
}

function writeDeltas(name: string, inflated: readonly Inflated[]): void {
  const deltas = inflated.filter(({ type, base }) => type === OFS_DELTA && inflated[base].type <= 4);
  for (const [i, { base, content }] of deltas.slice(0, 4).entries()) {
    writeCorpus('delta', `${name}-${i}`, joinParts(inflated[base].content, content));
  }
}

function makeGraphs(): void {
  const repository = fixture('pack-lookup-table');
  const graph = path.join(repository, 'objects/info/commit-graph');
  git(repository, ['commit-graph', 'write', '--reachable']);
  writeCorpus('commit-graph', 'merges', joinParts(fs.readFileSync(graph)));
  const tree = git(repository, ['rev-parse', 'main^{tree}']);
  const parents = ['main', 'main~1', 'main~2', 'main~3'].flatMap((name) => ['-p', name]);
  const octopus = git(repository, ['commit-tree', tree, '-m', 'octopus', ...parents]);
  const late = { ...GIT_ENVIRONMENT, GIT_COMMITTER_DATE: '@9000000000 +0000' };
  const future = git(repository, ['commit-tree', tree, '-m', 'late', '-p', octopus], { env: late });
  const past = git(repository, ['commit-tree', tree, '-m', 'early', '-p', future]);
  git(repository, ['update-ref', 'refs/heads/octopus', past]);
  git(repository, ['commit-graph', 'write', '--reachable']);
  writeCorpus('commit-graph', 'octopus', joinParts(fs.readFileSync(graph)));
  fs.rmSync(graph);
  git(repository, ['commit-graph', 'write', '--stdin-commits', '--split=no-merge'], {
    input: git(repository, ['rev-parse', 'main~2']),
  });
  git(repository, ['commit-graph', 'write', '--reachable', '--split=no-merge']);
  const directory = path.join(repository, 'objects/info/commit-graphs');
  const [below, top] = fs.readFileSync(path.join(directory, 'commit-graph-chain'), 'utf8').split('\n');
  const layer = (hash: string) => fs.readFileSync(path.join(directory, `graph-${hash}.graph`));
  writeCorpus('commit-graph', 'chain', joinParts(layer(top), layer(below)));
}

function makeObjects(): void {
  const repository = fixture('pack-all-tails');
  const names = { tree: 'main^{tree}', commit: 'main', tag: 'refs/tags/v12', blob: 'main:log.txt' };
  for (const [type, name] of Object.entries(names)) {
    const content = gitBytes(repository, ['cat-file', type, name]).subarray(0, 2000);
    const whole = Buffer.concat([latin1(`${type} ${content.length}\0`), content]);
    writeCorpus('loose', type, Buffer.concat([byte(0), whole]));
    writeCorpus('loose', `${type}-stored`, Buffer.concat([byte(1), zlib.deflateSync(whole)]));
    const kind = ['tree', 'commit', 'tag'].indexOf(type);
    if (kind >= 0) writeCorpus('tree', type, Buffer.concat([byte(kind), content]));
  }
  const id = Buffer.alloc(20, 7);
  const entries = ['40000 d', '040000 old', '100644 f', '120000 l', '160000 m', '100755 \xff'].flatMap(
    (text) => [latin1(`${text}\0`), id],
  );
  writeCorpus('tree', 'kinds', Buffer.concat([byte(0), ...entries]));
}
