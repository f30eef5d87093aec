/**
 * Serving a partial clone (protocol section 5.11): what its promisor remote has promised may be left out. Promised is
 * what an object in a promisor pack names; anything else that is not there is lost.
 */
import { isIoError } from '../errors.ts';
import { isThere } from '../repository/missing-file.ts';
import { COMMIT, TAG, TREE } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import type { PackFile } from '../repository/pack-file.ts';
import { endOfTreeEntry, parseCommit, parseTag } from '../repository/parse-object.ts';
import type { Pace } from './pace.ts';

/** Called for what a tree (a number) names in its bytes `data` at `id`, and is not there. It returns, or throws. */
export type OnMissing = (data: Buffer, id: number, tree: number) => void;

/** Missing objects are noted while trees are walked, and accounted for when all are known. */
export class PromisedObjects {
  readonly #objects: ObjectReader;
  readonly #isPromisor = new Map<PackFile, boolean>();
  /** Ids as byte strings, of what trees name that are in no promisor pack. */
  readonly #unproved = new Set<string>();
  /** By the first byte of an id: whether any of those begins with it. */
  readonly #first = new Uint8Array(256);

  constructor(objects: ObjectReader) {
    this.#objects = objects;
  }

  readonly note: OnMissing = (data, id, tree) => {
    const { view } = this.#objects;
    if (!view.isLoose(tree) && this.#inPromisorPack(view.packedAt(tree).pack)) return;
    this.#unproved.add(data.toString('latin1', id, id + view.format.bytes));
    this.#first[data[id]] = 1;
  };

  /**
   * Reads the promisor packs as far as it takes to prove the rest, as git does for any object that is missing. A fetch
   * hardly ever needs that: what a new tree took over from an older one is not looked at.
   * @throws PackhorseError `PACKHORSE_OBJECT_MISSING` for an object that no one promised
   */
  async settle(pace: Pace): Promise<void> {
    const { view } = this.#objects;
    for (const { pack, base } of view.packs()) {
      if (this.#unproved.size === 0) return;
      if (!this.#inPromisorPack(pack)) continue;
      for (let rank = 0; rank < pack.index.count && this.#unproved.size > 0; rank++) {
        this.#prove(base + rank);
        if (pace.due()) await pace.pause();
      }
    }
    for (const oid of this.#unproved) throw view.missing(Buffer.from(oid, 'latin1').toString('hex'));
  }

  /** What an object of a promisor pack names is promised. */
  #prove(number: number): void {
    const { format } = this.#objects.view;
    try {
      const { type } = this.#objects.header(number);
      if (type !== TREE && type !== COMMIT && type !== TAG) return;
      const { data } = this.#objects.read(number);
      if (type === COMMIT) this.#found(parseCommit(data, format).tree, 0);
      else if (type === TAG) this.#found(parseTag(data, format).target, 0);
      else {
        for (let at = 0; at < data.length; ) {
          at = endOfTreeEntry(data, at, format.bytes);
          this.#found(data, at - format.bytes);
        }
      }
    } catch (error) {
      // What is damaged proves nothing.
      if (isIoError(error)) throw error;
    }
  }

  #found(data: Buffer, id: number): void {
    if (this.#first[data[id]] === 0) return;
    this.#unproved.delete(data.toString('latin1', id, id + this.#objects.view.format.bytes));
  }

  #inPromisorPack(pack: PackFile): boolean {
    let known = this.#isPromisor.get(pack);
    if (known === undefined) {
      known = isThere(`${pack.stem}.promisor`);
      this.#isPromisor.set(pack, known);
    }
    return known;
  }
}
