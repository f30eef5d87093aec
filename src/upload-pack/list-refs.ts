/** Lists of refs, whatever they look like on the wire: which are listed, what they peel to, answers given again. */
import { isIoError } from '../errors.ts';
import { CommitSource } from '../pack/commit-source.ts';
import type { NumberSet } from '../repository/number-set.ts';
import type { ObjectView } from '../repository/object-view.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { Ref, RefVisitor } from '../repository/refs.ts';
import type { Repository } from '../repository/repository.ts';
import type { StoredRef } from '../repository/stored-ref.ts';
import { inStretches, type Pause } from '../stretches.ts';
import { AnswerSlot } from './answer-slot.ts';
import type { CommandContext } from './command.ts';
import { LineBuffer } from './line-buffer.ts';

/** How refs look on the wire. What its methods return is awaited. */
export interface RefFormat {
  /** Whether the peeled values of refs are told. */
  readonly peels: boolean;
  /** @param peeled what a tag points at in the end; null where the ref is no tag, or `peels` is not set */
  ref(oid: string, ref: Pick<Ref, 'name' | 'target'>, peeled: string | null): Promise<void> | undefined;
  /** A ref whose peeled value is stored with it, as far as it has one. */
  stored(ref: StoredRef): Promise<void> | undefined;
  /** HEAD where it leads to a branch that is not there yet. */
  unborn?(target: string): Promise<void> | undefined;
  /** Ends the list; returns it, where it may be kept. */
  finish(): Promise<readonly Uint8Array[] | undefined>;
}

/** Objects that refs point at. */
export interface Tips {
  readonly visible: NumberSet;
  readonly hidden: NumberSet;
}

export interface RefList {
  /** Byte prefixes of full names; empty lists everything. */
  readonly prefixes: readonly string[];
  /** What decides the list beside the repository; undefined where it is hardly asked for twice. */
  readonly key: readonly unknown[] | undefined;
  readonly format: (lines: LineBuffer) => RefFormat;
  /** Whether its lines are no pkt-lines. */
  readonly unframed?: boolean;
  /** Where to put what all refs point at; such a list is not kept. */
  readonly tips?: Tips | undefined;
}

/** Sends a list of refs. */
export async function listRefs(context: CommandContext, list: RefList): Promise<void> {
  const { repository, sink, pace, statistics } = context;
  const { answers } = repository;
  const { pauseIfDue } = pace;
  await repository.prepareObjects(pauseIfDue);
  const slot = list.key && !list.tips ? new AnswerSlot(repository, list.key) : undefined;
  const kept = await slot?.find(pauseIfDue);
  if (kept) {
    for (const piece of kept.pieces) await sink.sendLines(piece);
    statistics.refs = kept.refs;
    return;
  }
  const format = list.format(new LineBuffer(sink, slot ? answers.most : 0, !list.unframed));
  const listing = new Listing(repository, list, format, pauseIfDue);
  try {
    const pieces = await listing.send();
    if (pieces) slot?.keep(pieces, listing.count);
  } finally {
    statistics.refs = listing.count;
  }
}

/** A list in the making. */
class Listing implements RefVisitor {
  readonly #repository: Repository;
  readonly #view: ObjectView;
  readonly #source: CommitSource;
  readonly #list: RefList;
  readonly #format: RefFormat;
  readonly #pause: Pause;
  /** Whether the same answer would be given again as long as nothing with a stamp changes. */
  #lasting = true;
  count = 0;

  constructor(repository: Repository, list: RefList, format: RefFormat, pause: Pause) {
    this.#repository = repository;
    this.#view = repository.objects.view;
    this.#source = new CommitSource(repository.objects);
    this.#list = list;
    this.#format = format;
    this.#pause = pause;
  }

  /** @returns the answer, where it may be given again */
  async send(): Promise<readonly Uint8Array[] | undefined> {
    const { refs } = this.#repository;
    await refs.prepare(this.#pause);
    if (this.#format.peels) await this.#repository.objects.prepareGraph(this.#pause);
    const prefixes = await inStretches(RefPrefixes.of(this.#list.prefixes), this.#pause);
    if (prefixes.matches('HEAD')) await this.#addHead();
    await refs.visit(prefixes, this, this.#pause);
    const pieces = await this.#format.finish();
    return this.#lasting ? pieces : undefined;
  }

  loose(ref: Ref & { readonly oid: string }): Promise<void> | undefined {
    const number = this.#view.findHex(ref.oid);
    if (this.#isHidden(ref.name, number) || !this.#exists(number, () => ref.oid)) return undefined;
    return this.#add(ref, ref.oid);
  }

  stored(ref: StoredRef): Promise<void> | undefined {
    if (this.#repository.hidesRefs && !this.#list.tips && this.#repository.isHidden(ref.name()))
      return undefined;
    const number = this.#view.find(ref.oid);
    if (this.#repository.hidesRefs && this.#isHidden(ref.name(), number)) return undefined;
    if (!this.#exists(number, () => ref.oidHex())) return undefined;
    this.#list.tips?.visible.add(number);
    this.count++;
    const known = ref.peeled >= 0 || ref.peeledKnown || !this.#format.peels;
    const peeled = known ? null : this.#peel(number);
    if (!peeled) return this.#format.stored(ref);
    return this.#format.ref(ref.oidHex(), { name: ref.name(), target: undefined }, peeled);
  }

  async #addHead(): Promise<void> {
    const head = this.#repository.refs.resolve('HEAD');
    const number = head?.oid === undefined ? -1 : this.#view.findHex(head.oid);
    if (this.#isHidden('HEAD', number)) return;
    if (head?.oid) {
      // It is listed even where its object is not there, as by git.
      this.#stamp(number);
      await this.#add(head, head.oid);
    } else if (head?.target && this.#format.unborn) {
      this.count++;
      await this.#format.unborn(head.target);
    }
  }

  #isHidden(name: string, number: number): boolean {
    if (!this.#repository.isHidden(name)) return false;
    if (number >= 0) this.#list.tips?.hidden.add(number);
    return true;
  }

  #add(ref: Pick<Ref, 'name' | 'target' | 'peeled'>, oid: string): Promise<void> | undefined {
    this.count++;
    const number = this.#view.findHex(oid);
    if (number >= 0) this.#list.tips?.visible.add(number);
    if (!this.#format.peels) return this.#format.ref(oid, ref, null);
    return this.#format.ref(oid, ref, ref.peeled === undefined ? this.#peel(number) : ref.peeled);
  }

  #peel(number: number): string | null {
    if (number < 0) return null;
    const peeled = peel(number, this.#source);
    if (!peeled) this.#lasting = false;
    if (!peeled || peeled.tags.length === 0) return null;
    for (const tag of peeled.tags) this.#stamp(tag);
    this.#stamp(peeled.target);
    return this.#view.hex(peeled.target);
  }

  /** Whether a ref is listed: not one whose object is missing, as with git. */
  #exists(number: number, oid: () => string): boolean {
    this.#stamp(number);
    if (number >= 0) return true;
    // A client that prunes must not take a damaged pack for deleted branches.
    if (this.#view.problems.length > 0) throw this.#view.missing(oid());
    return false;
  }

  /** That an object is there is part of the answer. Those in packs are there as long as their packs are. */
  #stamp(number: number): void {
    if (number >= 0 && !this.#view.isLoose(number)) return;
    const file = number >= 0 ? this.#view.looseFile(number) : undefined;
    if (!file || !this.#repository.refs.stamps.see(file)) this.#lasting = false;
  }
}

/** Follows a tag to its end; undefined when it leads nowhere. What is no tag has no tags on the way. */
export function peel(number: number, source: CommitSource): { tags: number[]; target: number } | undefined {
  try {
    return source.peel(number);
  } catch (error) {
    // A failing disk says nothing of the tag.
    if (isIoError(error)) throw error;
    return undefined;
  }
}
