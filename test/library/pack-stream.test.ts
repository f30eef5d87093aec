import crypto from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generatePack, type PackObject, readPack, streamPack } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';

const text = (type: PackObject['type'], content: string): PackObject => ({
  type,
  data: Buffer.from(content),
});
const BLOB = text('blob', 'hello\n');
const BLOB_ID = 'ce013625030ba8dba906f756967f9e9ca394464a';
const TREE: PackObject = {
  type: 'tree',
  data: Buffer.concat([Buffer.from('100644 hello\0'), Buffer.from(BLOB_ID, 'hex')]),
};
const person = 'Ann <ann@example.com> 1700000000 +0000';
const treeId = crypto.createHash('sha1').update(`tree ${TREE.data.length}\0`).update(TREE.data).digest('hex');
const COMMIT = text('commit', `tree ${treeId}\nauthor ${person}\ncommitter ${person}\n\nsay hello\n`);
const TAG = text('tag', `object ${treeId}\ntype tree\ntag t\ntagger ${person}\n\na tag\n`);
const MIXED: PackObject[] = [
  COMMIT,
  TREE,
  BLOB,
  TAG,
  text('blob', ''),
  { type: 'blob', data: crypto.createHash('sha256').update('seed').digest() },
  { type: 'blob', data: Buffer.alloc(300_000, 'abc') },
];

function flipByte(bytes: Buffer, at: number): void {
  bytes[at] ^= 1;
}

async function streamed(objects: readonly PackObject[]): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  await streamPack(objects, (bytes) => void pieces.push(bytes));
  return pieces;
}

describe('streamPack', () => {
  it.each([
    ['one blob', [BLOB]],
    ['many mixed objects', MIXED],
    ['no object', []],
  ])('writes the bytes of generatePack: %s', async (_, objects) => {
    const pieces = await streamed(objects);
    expect(Buffer.concat(pieces).equals(await generatePack(objects))).toBe(true);
    expect(pieces.map((piece) => piece.length).slice(0, 1)).toEqual([12]);
    expect(pieces).toHaveLength(objects.length + 2);
    expect(pieces.at(-1)).toHaveLength(20);
  });

  it('threads a state through every write', async () => {
    const total = await streamPack(MIXED, (bytes, sum) => sum + bytes.length, 0);
    expect(total).toBe((await generatePack(MIXED)).length);
  });

  it('awaits a write before it makes the next piece', async () => {
    let open = 0;
    await streamPack(MIXED, async () => {
      open++;
      expect(open).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
    });
  });
});

describe('a generated pack', () => {
  it('is taken by git index-pack --strict, object by object', async () => {
    const directory = temporaryDirectory();
    git(directory, ['init', '-q', '--bare', '.']);
    git(directory, ['index-pack', '--strict', '--stdin'], { input: await generatePack(MIXED) });
    const ids = readPack(await generatePack(MIXED)).map(
      ({ oid, type, data }) => `${oid} ${type} ${data.length}`,
    );
    const listed = git(directory, ['cat-file', '--batch-all-objects', '--batch-check']).split('\n');
    expect(listed).toEqual(ids.sort());
  });

  it('comes back from readPack as it went in', async () => {
    const object = fc.record({
      type: fc.constantFrom('blob', 'tree', 'commit', 'tag') as fc.Arbitrary<PackObject['type']>,
      data: fc.uint8Array({ maxLength: 2000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(object, { maxLength: 20 }), async (objects) => {
        const read = readPack(await generatePack(objects));
        expect(read.map(({ type, data }) => ({ type, data: [...data] }))).toEqual(
          objects.map(({ type, data }) => ({ type, data: [...data] })),
        );
      }),
    );
  });
});

describe('readPack', () => {
  it('resolves the deltas that git makes, wherever their bases lie', () => {
    const directory = temporaryDirectory();
    git(directory, ['init', '-q', '-b', 'main', '.']);
    for (let i = 0; i < 20; i++) {
      const lines = Array.from({ length: 200 }, (_, n) => `line ${n % (i + 7)} of ${i}\n`).join('');
      git(directory, ['hash-object', '-w', '--stdin'], { input: lines });
    }
    const ids = git(directory, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']);
    for (const option of ['--delta-base-offset', '--no-delta-base-offset']) {
      const pack = gitBytes(directory, ['pack-objects', '--stdout', option, '-q'], { input: `${ids}\n` });
      const found = readPack(pack).map(({ oid }) => oid);
      expect(found.sort()).toEqual(ids.split('\n').sort());
    }
  });

  it.each([
    ['a byte changed', (pack: Buffer) => flipByte(pack, 20)],
    ['the trailer changed', (pack: Buffer) => flipByte(pack, pack.length - 1)],
    ['another signature', (pack: Buffer) => void pack.write('PICK')],
  ])('refuses a pack with %s', async (_, damage) => {
    const pack = Buffer.from(await generatePack(MIXED));
    damage(pack);
    expect(() => readPack(pack)).toThrow(expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_CORRUPT' }));
  });
});
