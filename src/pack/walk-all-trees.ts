/**
 * Finding all that trees reach, by their deltas. Most trees are stored as a delta of another one that is reached as well;
 * what a tree has in common with its base was found with the base, so only the few entries that the delta brings are
 * looked at.
 *
 * Trees are walked level by level: all root trees, then all that stand in them, and so on. Those of a level are known
 * at once, and a tree and its base are nearly always of one level, so that they can be gone through in the order of
 * their deltas ({@link DeltaForest}).
 */
import { repositoryCorrupt } from '../errors.ts';
import { BLOB, TREE } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { FIRST_LOOSE } from '../repository/object-view.ts';
import { kindOfTreeEntry } from '../repository/parse-object.ts';
import { DeltaForest } from './delta-forest.ts';
import { EXCLUDED, WANTED } from './marks.ts';
import { NumberList } from './number-list.ts';
import { NumberQueue } from './number-queue.ts';
import { TreeContent } from './tree-content.ts';
import { checkTreeDepth } from './tree-depth.ts';
import type { TreeWalkContext } from './tree-walk-context.ts';

/** Trees whose order is worked out at a time, some 24 bytes each. */
const BATCH = 2 ** 15;

export class AllTreesWalk {
  readonly #context: TreeWalkContext;
  readonly #blobs: boolean;
  #count = 0;

  /** Trees all of whose entries are marked. */
  readonly #walked: NumberQueue;
  /** Trees of the level that is being walked, and of the next one. */
  #level: NumberQueue;
  #next: NumberQueue;
  #nextLoose = new NumberList();
  #depth = 0;
  readonly #forest: DeltaForest;
  readonly #contents: TreeContent[] = [];
  readonly #fresh = new NumberList();

  constructor(context: TreeWalkContext) {
    this.#context = context;
    this.#blobs = context.filter.types.includes(BLOB);
    const { objects, pace } = context;
    this.#forest = new DeltaForest(objects, pace);
    this.#walked = new NumberQueue(objects.view.packedEnd);
    this.#level = new NumberQueue(objects.view.packedEnd);
    this.#next = new NumberQueue(objects.view.packedEnd);
  }

  /** How many trees and blobs were marked. */
  get count(): number {
    return this.#count;
  }

  /** Marks everything below `roots` WANTED. What has a mark already is taken to be walked with all below it. */
  async walk(roots: readonly number[]): Promise<void> {
    await this.enter(roots);
    while (!this.isDone) await this.descend();
  }

  /** Marks trees of the level that is walked next. */
  async enter(trees: readonly number[]): Promise<void> {
    for (const tree of trees) {
      this.#find(tree, true);
      if (this.#context.pace.due()) await this.#pause();
    }
  }

  /** Whether there is no tree to descend into. */
  get isDone(): boolean {
    return this.#next.size === 0 && this.#nextLoose.length === 0;
  }

  /** Marks what stands in the trees found last: the level below. */
  async descend(): Promise<void> {
    checkTreeDepth(this.#depth++, this.#context.objects);
    const loose = this.#nextLoose;
    this.#nextLoose = new NumberList();
    [this.#level, this.#next] = [this.#next, this.#level];
    while (this.#level.size > 0) {
      await this.#forest.plant(this.#level.take(BATCH));
      await this.#walkForest();
    }
    for (let i = 0; i < loose.length; i++) {
      this.#walkTree(loose.get(i), this.#contentAt(0), undefined);
      if (this.#context.pace.due()) await this.#pause();
    }
  }

  async #walkForest(): Promise<void> {
    const forest = this.#forest;
    while (forest.advance()) {
      const content = this.#contentAt(forest.slot);
      const base = forest.baseSlot < 0 ? undefined : this.#contents[forest.baseSlot];
      if (forest.isAsked) this.#walkTree(forest.number, content, base);
      else this.#rebuild(forest.number, content, base);
      if (this.#context.pace.due()) await this.#pause();
    }
  }

  /** Marks what stands in a tree. */
  #walkTree(tree: number, content: TreeContent, base: TreeContent | undefined): void {
    if (base?.isWalked && this.#derive(content, base)) {
      for (let i = 0; i < this.#fresh.length; i++) this.#findEntry(tree, content, this.#fresh.get(i));
    } else {
      if (!base || !this.#derive(content, base)) this.#read(tree, content);
      for (let i = 0; i < content.count; i++) this.#findEntry(tree, content, i);
    }
    content.isWalked = true;
    if (tree < FIRST_LOOSE) this.#walked.add(tree);
  }

  /** Makes a base ready that is not of this level: walked on another one, or not reached at all. */
  #rebuild(tree: number, content: TreeContent, base: TreeContent | undefined): void {
    try {
      if (!base || !this.#derive(content, base)) this.#read(tree, content);
      content.isWalked = tree < FIRST_LOOSE && this.#walked.has(tree);
    } catch {
      content.isUsable = false; // its deltas are then read by themselves, and say what is wrong
    }
  }

  /** False when it does not work out: {@link ObjectReader.read} then finds a good copy, or says what is wrong. */
  #derive(content: TreeContent, base: TreeContent): boolean {
    if (!base.isUsable) return false;
    this.#fresh.clear();
    try {
      content.derive(base, this.#forest.delta(), this.#fresh);
      return true;
    } catch {
      return false;
    }
  }

  #read(tree: number, content: TreeContent): void {
    const { type, data } = this.#context.objects.read(tree);
    if (type !== TREE)
      throw repositoryCorrupt(`object ${this.#context.objects.view.hex(tree)} is not a tree`);
    content.set(data);
  }

  #findEntry(tree: number, content: TreeContent, entry: number): void {
    const kind = kindOfTreeEntry(content.data, content.starts[entry]);
    if (kind === 'gitlink' || (kind === 'blob' && !this.#blobs)) return;
    const id = content.starts[entry + 1] - this.#context.objects.view.format.bytes;
    const child = this.#context.numbers.find(content.data, id);
    if (child < 0) this.#context.missing(content.data, id, tree);
    else this.#find(child, kind === 'tree');
  }

  #find(number: number, isTree: boolean): void {
    if (this.#context.marks.has(number, WANTED | EXCLUDED)) return;
    this.#context.marks.add(number, WANTED);
    this.#count++;
    if (!isTree) return;
    if (number < FIRST_LOOSE) this.#next.add(number);
    else this.#nextLoose.push(number);
  }

  #contentAt(slot: number): TreeContent {
    this.#contents[slot] ??= new TreeContent(this.#context.objects.view.format.bytes);
    return this.#contents[slot];
  }

  async #pause(): Promise<void> {
    this.#context.seen(this.#count);
    await this.#context.pace.pause();
  }
}
