/** Commits by number, as a walk sees them: with the parents that shallow grafts leave them. */
import { repositoryCorrupt } from '../errors.ts';
import { COMMIT, TAG } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { parseCommit, parseTag } from '../repository/parse-object.ts';

export interface WalkedCommit {
  /** The number of its root tree, or -1 when that is not there. */
  readonly tree: number;
  /** Numbers of its parents; -1 for one that is not there. */
  readonly parents: readonly number[];
  /** Committer time, seconds since 1970. */
  readonly date: number;
}

export class CommitSource {
  readonly objects: ObjectReader;
  /** Commits taken to have no parents. */
  readonly #grafts: ReadonlySet<number>;

  constructor(objects: ObjectReader, grafts: ReadonlySet<number> = new Set()) {
    this.objects = objects;
    this.#grafts = grafts;
  }

  /** @throws PackhorseError when the object is missing, damaged, or no commit */
  read(number: number): WalkedCommit {
    const { view } = this.objects;
    const object = this.objects.read(number);
    if (object.type !== COMMIT) throw repositoryCorrupt(`object ${view.hex(number)} is not a commit`);
    const parsed = parseCommit(object.data, view.format);
    return {
      tree: view.find(parsed.tree),
      parents: this.#grafts.has(number) ? [] : parsed.parents.map((parent) => view.find(parent)),
      date: parsed.date,
    };
  }

  /** @throws PackhorseError `PACKHORSE_OBJECT_MISSING` when the tree or a parent of a commit is not there */
  checkWhole(number: number, commit: WalkedCommit): void {
    if (commit.tree >= 0 && !commit.parents.includes(-1)) return;
    const { view } = this.objects;
    const parsed = parseCommit(this.objects.read(number).data, view.format);
    const lost = [parsed.tree, ...parsed.parents].find((oid) => view.find(oid) < 0)!;
    throw view.missing(lost.toString('hex'));
  }

  /** Follows tags: the numbers of every tag object on the way, then of what they point at in the end. */
  peel(number: number): { tags: number[]; target: number } {
    const { view } = this.objects;
    const tags: number[] = [];
    let target = number;
    while (this.objects.header(target).type === TAG) {
      tags.push(target);
      const oid = parseTag(this.objects.read(target).data, view.format).target;
      target = view.find(oid);
      if (target < 0) throw view.missing(oid.toString('hex'));
    }
    return { tags, target };
  }
}
