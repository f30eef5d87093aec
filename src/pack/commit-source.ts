/** Commits by number, as a walk sees them: with the parents that shallow grafts leave them. */
import { repositoryCorrupt } from '../errors.ts';
import type { GraphedCommits } from '../repository/graphed-commits.ts';
import { COMMIT, type ObjectType, TAG } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { parseCommit, parseTag } from '../repository/parse-object.ts';

export interface WalkedCommit {
  /** The number of its root tree, or -1 when that is not there. */
  readonly tree: number;
  /** Numbers of its parents; -1 for one that is not there. */
  readonly parents: readonly number[];
  /** Committer time, seconds since 1970. */
  readonly date: number;
  /**
   * The corrected date that the commit-graph has for it: greater than those of all its ancestors. Infinity where
   * there is none; all ancestors of a commit that has one have one.
   */
  readonly generation: number;
}

export class CommitSource {
  readonly objects: ObjectReader;
  /** Commits that were read from their objects so far. */
  opened = 0;
  /** Commits taken to have no parents. */
  readonly #grafts: ReadonlySet<number>;

  constructor(objects: ObjectReader, grafts: ReadonlySet<number> = new Set()) {
    this.objects = objects;
    this.#grafts = grafts;
  }

  /**
   * From the commit-graph where it has the commit, else from its object.
   * @throws PackhorseError when the object is missing, damaged, or no commit
   */
  read(number: number): WalkedCommit {
    const graphed = this.#graphed;
    const position = graphed?.position(number) ?? -1;
    if (graphed && position >= 0) return new GraphedCommit(graphed, position);
    this.opened++;
    const { view } = this.objects;
    const object = this.objects.read(number);
    if (object.type !== COMMIT) throw repositoryCorrupt(`object ${view.hex(number)} is not a commit`);
    const parsed = parseCommit(object.data, view.format);
    return {
      tree: view.find(parsed.tree),
      parents: this.#grafts.has(number) ? [] : parsed.parents.map((parent) => view.find(parent)),
      date: parsed.date,
      generation: Number.POSITIVE_INFINITY,
    };
  }

  /** The type of an object; what the commit-graph has is not touched for that. */
  type(number: number): ObjectType {
    return (this.#graphed?.position(number) ?? -1) >= 0 ? COMMIT : this.objects.header(number).type;
  }

  /** @throws PackhorseError `PACKHORSE_OBJECT_MISSING` when the tree or a parent of a commit is not there */
  checkWhole(number: number, commit: WalkedCommit): void {
    if (commit.tree >= 0 && !commit.parents.includes(-1)) return;
    const { view } = this.objects;
    const parsed = parseCommit(this.objects.read(number).data, view.format);
    const lost = [parsed.tree, ...parsed.parents].find((oid) => view.find(oid) < 0);
    if (!lost) throw repositoryCorrupt(`the commit-graph is wrong about commit ${view.hex(number)}`);
    throw view.missing(lost.toString('hex'));
  }

  /** Follows tags: the numbers of every tag object on the way, then of what they point at in the end. */
  peel(number: number): { tags: number[]; target: number } {
    const { view } = this.objects;
    const tags = new Set<number>();
    let target = number;
    while (this.type(target) === TAG) {
      if (tags.has(target)) throw repositoryCorrupt(`tag ${view.hex(target)} points at itself`);
      tags.add(target);
      const oid = parseTag(this.objects.read(target).data, view.format).target;
      target = view.find(oid);
      if (target < 0) throw view.missing(oid.toString('hex'));
    }
    return { tags: [...tags], target };
  }

  /** The graph knows nothing of grafts. */
  get #graphed(): GraphedCommits | undefined {
    return this.#grafts.size === 0 ? this.objects.graph : undefined;
  }
}

/** Most walks ask for the trees of a few commits only: they are looked up when asked for. */
class GraphedCommit implements WalkedCommit {
  readonly parents: readonly number[];
  readonly #commits: GraphedCommits;
  readonly #position: number;
  #tree: number | undefined;

  constructor(commits: GraphedCommits, position: number) {
    this.#commits = commits;
    this.#position = position;
    this.parents = commits.parents(position);
  }

  get tree(): number {
    this.#tree ??= this.#commits.tree(this.#position);
    return this.#tree;
  }

  get date(): number {
    return this.#commits.graph.date(this.#position);
  }

  get generation(): number {
    const { graph } = this.#commits;
    return graph.hasGenerations ? graph.generation(this.#position) : Number.POSITIVE_INFINITY;
  }
}
