/** Which trees and blobs to send: those of the wanted root trees that are not in the excluded ones. */
import type { ObjectReader } from '../repository/object-reader.ts';
import type { Marks } from './marks.ts';
import { NumberCache } from './number-cache.ts';
import type { Pace } from './pace.ts';
import type { PathHints } from './path-hints.ts';
import type { OnMissing } from './promised-objects.ts';
import { AllTreesWalk } from './walk-all-trees.ts';
import { TreesBesideWalk } from './walk-beside.ts';

export class TreeWalk {
  readonly #makeAll: () => AllTreesWalk;
  readonly #beside: TreesBesideWalk;
  #count = 0;

  /**
   * @param seen called now and then with the number of trees and blobs marked WANTED so far
   * @param blobs whether blobs matter; else they get no mark
   * @param missing called for what is not there; what it lets pass gets no mark. By default it lets nothing pass
   */
  constructor(
    objects: ObjectReader,
    marks: Marks,
    pace: Pace,
    seen: (objects: number) => void,
    blobs = true,
    missing: OnMissing = (data, id) => {
      const { view } = objects;
      throw view.missing(data.toString('hex', id, id + view.format.bytes));
    },
  ) {
    const numbers = new NumberCache(objects.view);
    this.#makeAll = () => new AllTreesWalk(objects, marks, numbers, pace, seen, blobs, missing);
    this.#beside = new TreesBesideWalk(objects, marks, numbers, pace, seen, blobs, missing);
  }

  /** The paths of what was found beside the client's trees. */
  get hints(): PathHints {
    return this.#beside.hints;
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
    if (edges.length > 0) {
      await this.#beside.walk(roots, edges, named);
      this.#count = this.#beside.count;
    } else {
      const all = this.#makeAll();
      await all.walk([...roots, ...named]);
      this.#count = all.count;
    }
  }
}
