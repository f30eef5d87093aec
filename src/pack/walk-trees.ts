/** Which trees and blobs to send: those of the wanted root trees that are not in the excluded ones. */
import { NumberSet } from '../repository/number-set.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { goesByPaths, NO_FILTER, sendsContents } from './filter-plan.ts';
import { Marks, WANTED } from './marks.ts';
import { NumberCache } from './number-cache.ts';
import type { Pace } from './pace.ts';
import type { PathHints } from './path-hints.ts';
import type { OnMissing } from './promised-objects.ts';
import type { TreeWalkContext } from './tree-walk-context.ts';
import { AllTreesWalk } from './walk-all-trees.ts';
import { TreesBesideWalk } from './walk-beside.ts';
import { SparseWalk } from './walk-sparse.ts';
import { walkToDepth } from './walk-to-depth.ts';

export class TreeWalk {
  /** The paths of what was found beside the client's trees. */
  readonly hints: PathHints;
  readonly #context: TreeWalkContext;
  readonly #beside: TreesBesideWalk;
  #count = 0;

  /**
   * @param seen called now and then with the number of trees and blobs found so far
   * @param filter what it leaves out by type, other than trees that blobs are looked for in, or by path is not marked
   * @param missing called for what is not there; what it lets pass gets no mark. By default it lets nothing pass
   */
  constructor(
    objects: ObjectReader,
    marks: Marks,
    pace: Pace,
    seen: (objects: number) => void,
    filter = NO_FILTER,
    missing: OnMissing = (data, id) => {
      const { view } = objects;
      throw view.missing(data.toString('hex', id, id + view.format.bytes));
    },
  ) {
    const numbers = new NumberCache(objects.view);
    this.#context = { objects, marks, numbers, pace, seen, filter, missing };
    this.#beside = new TreesBesideWalk(this.#context);
    this.hints = this.#beside.hints;
  }

  /** How many trees and blobs were marked WANTED. */
  get count(): number {
    return this.#count;
  }

  /**
   * Marks everything below `roots` WANTED. What stands in the trees `edges`, or in those below them, is marked EXCLUDED
   * as far as it matters: directory by directory, where a wanted tree differs. An object that moved to another
   * directory may therefore be sent again, which is legal; what is EXCLUDED the client has.
   * @param named trees that wants name
   */
  async walk(
    roots: readonly number[],
    edges: readonly number[],
    named: readonly number[] = [],
  ): Promise<void> {
    const { filter, marks } = this.#context;
    if (!sendsContents(filter)) {
      for (const tree of named) marks.add(tree, WANTED);
    } else if (goesByPaths(filter)) {
      if (edges.length > 0) await this.#walkPathsBeside(roots, edges, named);
      else await this.#walkPaths(this.#context, roots, named);
    } else if (edges.length > 0) {
      await this.#beside.walk(roots, edges, named);
      this.#count = this.#beside.count;
    } else {
      const all = new AllTreesWalk(this.#context);
      await all.walk([...roots, ...named]);
      this.#count = all.count;
    }
  }

  /** What the client lacks is found first: a walk beside its trees does not come to all paths of an object. */
  async #walkPathsBeside(
    roots: readonly number[],
    edges: readonly number[],
    named: readonly number[],
  ): Promise<void> {
    const context = this.#context;
    const { view } = context.objects;
    const { wanted, excluded } = context.marks;
    const lacking = new NumberSet(view);
    /** What is in neither repository: ids as byte strings. */
    const lost = new Set<string>();
    const idAt = (data: Buffer, id: number) => data.toString('latin1', id, id + view.format.bytes);
    const note: OnMissing = (data, id) => void lost.add(idAt(data, id));
    const missing: OnMissing = (data, id, tree) => {
      if (lost.has(idAt(data, id))) context.missing(data, id, tree);
    };
    const finding = { ...context, marks: new Marks(view, lacking, excluded), missing: note };
    await new TreesBesideWalk(finding).walk(roots, edges, named);
    const marks = new Marks(view, wanted, excluded, lacking);
    await this.#walkPaths({ ...context, marks, missing }, roots, named);
  }

  async #walkPaths(
    context: TreeWalkContext,
    roots: readonly number[],
    named: readonly number[],
  ): Promise<void> {
    if (context.filter.patterns.length > 0) {
      const sparse = new SparseWalk(context);
      await sparse.walk(roots, named);
      this.#count = sparse.count;
    } else {
      const levels = new AllTreesWalk(context);
      await walkToDepth(levels, roots, named, context.filter.depth);
      this.#count = levels.count;
    }
  }
}
