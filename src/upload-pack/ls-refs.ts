/** The v2 command `ls-refs` (protocol section 1.4). */
import { CommitSource } from '../pack/commit-source.ts';
import { type LsRefsRequest, parseLsRefs } from '../protocol/ls-refs-request.ts';
import type { GitConfig } from '../repository/config.ts';
import { hideRules } from '../repository/hidden-refs.ts';
import type { KeptAnswer } from '../repository/kept-answers.ts';
import type { ObjectView } from '../repository/object-view.ts';
import type { PackedLine } from '../repository/packed-line.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { Pause, Ref, RefVisitor } from '../repository/refs.ts';
import type { Repository } from '../repository/repository.ts';
import type { Command, CommandContext } from './command.ts';
import { RefLines } from './ref-lines.ts';

/** Arguments of a request whose answer is kept: a long list of names is hardly asked for twice. */
const MOST_ARGUMENTS = 64;

export const lsRefs: Command = async (context, args) => {
  const { repository, sink, pace, statistics } = context;
  const { answers } = repository;
  const request = parseLsRefs(args);
  const pause: Pause = () => (pace.due() ? pace.pause() : undefined);
  const key = args.length <= MOST_ARGUMENTS ? keyOf(repository, args) : undefined;
  const kept = key === undefined ? undefined : answers.get(key);
  if (kept && (await kept.stamps.stillHold(pause))) {
    for (const piece of kept.pieces) await sink.sendLines(piece);
    statistics.refs = kept.refs;
    return;
  }
  const listing = new Listing(context, request, pause, key === undefined ? 0 : answers.most);
  try {
    const made = await listing.send();
    if (key !== undefined && made) answers.keep(key, made);
  } finally {
    statistics.refs = listing.count;
  }
};

/** All that decides an answer but for what stamps tell of. */
function keyOf({ gitDirectory, config, objects }: Repository, args: readonly string[]): string {
  const packs = Array.from(objects.view.packs(), ({ pack }) => pack.name);
  return JSON.stringify([gitDirectory, packs, unbornMode(config), hideRules(config), args]);
}

function unbornMode(config: GitConfig): string {
  return config.get('lsrefs.unborn') ?? 'advertise';
}

/** An answer in the making. */
class Listing implements RefVisitor {
  readonly #repository: Repository;
  readonly #view: ObjectView;
  readonly #source: CommitSource;
  readonly #request: LsRefsRequest;
  readonly #pause: Pause;
  readonly #lines: RefLines;
  /** Whether the same answer would be given again as long as nothing with a stamp changes. */
  #lasting = true;

  constructor({ repository, sink }: CommandContext, request: LsRefsRequest, pause: Pause, most: number) {
    this.#repository = repository;
    this.#view = repository.objects.view;
    this.#source = new CommitSource(repository.objects);
    this.#request = request;
    this.#pause = pause;
    this.#lines = new RefLines(sink, most);
  }

  get count(): number {
    return this.#lines.count;
  }

  /** @returns the answer, where it may be given again */
  async send(): Promise<KeptAnswer | undefined> {
    const { refs, began } = this.#repository;
    const prefixes = new RefPrefixes(this.#request.prefixes);
    if (prefixes.matches('HEAD') && !this.#repository.isHidden('HEAD')) await this.#addHead();
    await refs.visit(prefixes, this, this.#pause);
    const pieces = await this.#lines.finish();
    const keep = this.#lasting && this.#view.problems.length === 0 && refs.stamps.settled(began);
    return pieces && keep ? { pieces, refs: this.count, stamps: refs.stamps } : undefined;
  }

  loose(ref: Ref & { readonly oid: string }): Promise<void> | undefined {
    if (this.#repository.isHidden(ref.name)) return undefined;
    const number = this.#view.findHex(ref.oid);
    if (!this.#exists(number, () => ref.oid)) return undefined;
    return this.#lines.add(this.#lineOf(ref, ref.oid));
  }

  packed(line: PackedLine): Promise<void> | undefined {
    if (this.#repository.hidesRefs && this.#repository.isHidden(line.name())) return undefined;
    if (!this.#exists(this.#view.find(line.oid), () => line.oidHex())) return undefined;
    if (line.peeled >= 0 || line.peeledKnown || !this.#request.peel) {
      return this.#lines.addPacked(line, this.#request.peel);
    }
    const oid = line.oidHex();
    return this.#lines.add(this.#lineOf({ name: line.name(), target: undefined, peeled: undefined }, oid));
  }

  async #addHead(): Promise<void> {
    const head = this.#repository.refs.resolve('HEAD');
    if (head?.oid) {
      // It is listed even where its object is not there, as by git.
      this.#stamp(this.#view.findHex(head.oid));
      await this.#lines.add(this.#lineOf(head, head.oid));
      return;
    }
    const { unborn, symrefs } = this.#request;
    if (!head?.target || !unborn || !symrefs || unbornMode(this.#repository.config) === 'ignore') return;
    await this.#lines.add(`unborn HEAD symref-target:${head.target}`);
  }

  #lineOf(ref: Pick<Ref, 'name' | 'target' | 'peeled'>, oid: string): string {
    let line = `${oid} ${ref.name}`;
    if (this.#request.symrefs && ref.target) line += ` symref-target:${ref.target}`;
    if (!this.#request.peel) return line;
    const peeled = ref.peeled === undefined ? this.#peel(oid) : ref.peeled;
    return peeled ? `${line} peeled:${peeled}` : line;
  }

  #peel(oid: string): string | null {
    const number = this.#view.findHex(oid);
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
  } catch {
    return undefined;
  }
}
