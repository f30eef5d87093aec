/** The same objects, stored in the ways that git stores them. */
import fs from 'node:fs';
import path from 'node:path';
import { GIT_ENVIRONMENT, git, gitBytes } from './git.ts';
import { packFile } from './packs.ts';

/** A history to store: where it comes from, and how it may be divided. */
export interface Source {
  /** A bare repository that has all of it. */
  readonly directory: string;
  readonly all: readonly string[];
  /** What the older branches reach. */
  readonly old: readonly string[];
  /** The rest, in two parts that may need each other. */
  readonly young: readonly [readonly string[], readonly string[]];
  readonly commits: { readonly old: readonly string[]; readonly all: readonly string[] };
  /** Lines of a packed-refs file: of the older branches, of all, and of those that are left in the end. */
  readonly refs: { readonly old: string; readonly all: string; readonly left: string };
}

/** A repository being filled. Its refs are those that are left in the end, whatever it holds. */
export class Filling {
  readonly directory: string;
  readonly #source: Source;

  constructor(directory: string, source: Source) {
    this.directory = directory;
    this.#source = source;
    for (const name of ['objects/pack', 'objects/info', 'refs']) {
      fs.mkdirSync(path.join(directory, name), { recursive: true });
    }
    fs.writeFileSync(path.join(directory, 'HEAD'), 'ref: refs/heads/c0\n');
    fs.writeFileSync(
      path.join(directory, 'config'),
      '[core]\n\trepositoryformatversion = 0\n\tbare = true\n',
    );
    this.#refs('left');
  }

  #refs(which: keyof Source['refs']): void {
    const head = '# pack-refs with: sorted \n';
    fs.writeFileSync(path.join(this.directory, 'packed-refs'), head + this.#source.refs[which]);
  }

  /** Borrows the objects of another repository. */
  borrowFrom({ directory }: Filling): void {
    const file = path.join(this.directory, 'objects/info/alternates');
    fs.writeFileSync(file, `${path.join(directory, 'objects')}\n`);
  }

  /** One more pack; its name, or nothing where there is nothing to pack. */
  pack(oids: readonly string[], flags: readonly string[] = ['--delta-base-offset']): string | undefined {
    if (oids.length === 0) return undefined;
    const input = oids.map((oid) => `${oid}\n`).join('');
    const args = ['pack-objects', '--quiet', '--depth=12', ...flags, this.#stem];
    return `pack-${git(this.#source.directory, args, { input })}`;
  }

  /** One more pack, of all that the refs reach, with a bitmap. */
  bitmap(which: 'old' | 'all', flags: readonly string[] = []): void {
    this.#refs(which);
    const kinds = ['--all', '--delta-base-offset', '--write-bitmap-index', '--depth=12'];
    const GIT_ALTERNATE_OBJECT_DIRECTORIES = path.join(this.#source.directory, 'objects');
    git(this.directory, [...flags, 'pack-objects', '--quiet', ...kinds, this.#stem], {
      input: '',
      env: { ...GIT_ENVIRONMENT, GIT_ALTERNATE_OBJECT_DIRECTORIES },
    });
    this.#refs('left');
  }

  get #stem(): string {
    return path.join(this.directory, 'objects/pack/pack');
  }

  /** One more pack, as a push brings it to one who has the older branches. */
  receiveYoung(): void {
    const { directory, commits } = this.#source;
    const input = [...commits.all, ...commits.old.map((oid) => `^${oid}`)]
      .map((line) => `${line}\n`)
      .join('');
    const args = ['pack-objects', '--revs', '--thin', '--stdout', '--quiet', '--depth=12'];
    const pack = gitBytes(directory, args, { input });
    git(this.directory, ['index-pack', '--stdin', '--fix-thin'], { input: pack });
  }

  /** Loose objects, where they lie in packs too. */
  loose(oids: readonly string[]): void {
    if (oids.length === 0) return;
    const input = gitBytes(this.#source.directory, ['pack-objects', '--stdout', '--quiet'], {
      input: oids.map((oid) => `${oid}\n`).join(''),
    });
    const pack = path.join(this.directory, 'objects/pack');
    const aside = path.join(this.directory, 'aside');
    // git does not write loose what it has in a pack.
    fs.renameSync(pack, aside);
    fs.mkdirSync(pack);
    git(this.directory, ['unpack-objects', '-q'], { input });
    fs.rmdirSync(pack);
    fs.renameSync(aside, pack);
  }
}

/** Ways to store a history, by name. */
export const STORAGES: Readonly<Record<string, (store: Filling, source: Source) => void>> = {
  'loose objects': (store, { all }) => {
    store.loose(all);
  },
  'one pack': (store, { all }) => {
    store.pack(all);
  },
  'one pack with a bitmap': (store) => {
    store.bitmap('all');
  },
  'one pack with a bitmap that has a lookup table': (store) => {
    store.bitmap('all', ['-c', 'pack.writeBitmapLookupTable=true']);
  },
  'packs that share objects': (store, { all, old, young }) => {
    store.pack([...old, ...young[0]]);
    store.pack([...young[1], ...old.filter((_, i) => i % 3 === 0)]);
    store.pack(all.filter((_, i) => i % 5 === 0));
  },
  'packs in a multi-pack-index, and commits in a graph': (store, { all, old }) => {
    store.pack(old);
    store.pack(all, ['--window=0']);
    git(store.directory, ['multi-pack-index', 'write']);
    git(store.directory, ['commit-graph', 'write', '--reachable']);
  },
  'a multi-pack-index with a bitmap': (store, { all, old }) => {
    store.pack(old);
    store.pack(all, ['--window=0']);
    git(store.directory, ['multi-pack-index', 'write', '--bitmap']);
  },
  'a multi-pack-index, and in an alternate one with a bitmap': (store, source) => {
    const lender = new Filling(path.join(store.directory, 'lender'), source);
    lender.pack(source.old);
    lender.pack(source.all, ['--window=0']);
    git(lender.directory, ['multi-pack-index', 'write', '--bitmap']);
    store.pack(source.all.filter((_, i) => i % 5 === 0));
    store.borrowFrom(lender);
    git(store.directory, ['multi-pack-index', 'write']);
  },
  'a bitmap of the smaller of two packs that share objects': (store, { all }) => {
    store.bitmap('old');
    store.pack(all, ['--window=0']);
  },
  'a bitmap, younger packs and loose objects': (store, { old, young }) => {
    store.bitmap('old');
    store.pack([...young[0], ...old.filter((_, i) => i % 4 === 0)]);
    store.loose([...young[1], ...old.filter((_, i) => i % 7 === 0)]);
  },
  'a bitmap in an alternate': (store, source) => {
    const lender = new Filling(path.join(store.directory, 'lender'), source);
    lender.bitmap('old');
    store.pack([...source.young[0], ...source.young[1], ...source.old.filter((_, i) => i % 2 === 0)]);
    store.borrowFrom(lender);
  },
  'packs after a geometric repack': (store, { old, young }) => {
    store.pack(old);
    for (const part of young) for (const third of thirds(part)) store.pack(third);
    git(store.directory, ['repack', '-q', '-d', '--geometric=2']);
  },
  'a bitmap before an incremental repack': (store, { young }) => {
    store.bitmap('old');
    store.pack(young[0]);
    store.loose(young[1]);
    git(store.directory, ['repack', '-q', '-d']);
  },
  'a bitmap beside a cruft pack': (store, { all }) => {
    store.pack(all);
    git(store.directory, ['repack', '-q', '-d', '-b', '--cruft', '--depth=12']);
  },
  'a bitmap beside a kept pack': (store, { all }) => {
    const kept = store.pack(all.filter((_, i) => i % 3 === 0));
    fs.writeFileSync(packFile(store.directory, kept!, 'keep'), '');
    store.pack(all);
    git(store.directory, ['repack', '-q', '-adkb', '--pack-kept-objects', '--depth=12']);
  },
  'a pack of deltas that name their base': (store, { all }) => {
    store.pack(all, []);
  },
  'a thin pack that was completed': (store, { all }) => {
    store.pack(all);
    // The bases that it came without are behind its deltas.
    store.receiveYoung();
  },
};

function thirds(oids: readonly string[]): (readonly string[])[] {
  const size = Math.ceil(oids.length / 3);
  return [0, 1, 2].map((k) => oids.slice(k * size, (k + 1) * size));
}
