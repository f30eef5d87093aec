/**
 * Index files (`.idx`, `.rev`, `.bitmap`, multi-pack-index, commit-graph, packed-refs, reftables), held whole in
 * memory: where they are shared, once for all workers of the process.
 */
import fs from 'node:fs';
import { SharedWork } from '../shared-work.ts';
import type { Stretches } from '../stretches.ts';
import { collectGarbage } from './collect-garbage.ts';
import { type CopyOwner, type CopyParts, IndexCopy, readFile } from './index-copy.ts';
import { type Drop, type ExchangeListener, IndexExchange } from './index-exchange.ts';
import { type IndexKind, kindOfIndex } from './index-kind.ts';
import { isMissing } from './missing-file.ts';

export type { IndexFile, Tables } from './index-copy.ts';

/** What the workers of a process have in common; counters have one element each, in shared memory. */
export interface IndexSharing {
  /** Name of the channel on which they tell each other what they hold. */
  readonly channel: string;
  /** Goes up with every use of a file. */
  readonly clock: BigInt64Array;
  /** Bytes held, as the worker that changed it last sees it; all come to see the same. */
  readonly held: BigInt64Array;
  /** Files read. */
  readonly loads: Readonly<Record<IndexKind, BigInt64Array>>;
}

/** Bytes of garbage that may wait for a collection. */
const MOST_GARBAGE = 16 * 2 ** 20;

export class IndexFiles implements CopyOwner, ExchangeListener {
  readonly #budget: number;
  readonly #sharing: IndexSharing | undefined;
  readonly #files = new Map<string, IndexCopy>();
  readonly #onRelease: () => void;
  /** What others are told of once every message was taken: one that comes later may say that it was dropped. */
  readonly #untold = new Set<IndexCopy>();
  #exchange: IndexExchange | undefined;
  #ticks = 0n;
  #memory = 0;
  /** Bytes let go of since the last collection. */
  #garbage = 0;
  #sweeping = false;
  readonly #loading = new SharedWork<IndexCopy | undefined>();

  /**
   * @param budget bytes held for files that no one has asked for lately, in all workers that share
   * @param sharing undefined: the files are this thread's alone
   * @param onRelease told when files were let go of: whoever keeps one for later should let go of it too
   */
  constructor(budget: number, sharing?: IndexSharing, onRelease: () => void = () => {}) {
    this.#budget = budget;
    this.#sharing = sharing;
    this.#onRelease = onRelease;
    if (sharing) this.#exchange = new IndexExchange(sharing.channel, this);
  }

  /**
   * The file at `path`, read again only where it changed; undefined where there is none.
   * @throws the system's error when it cannot be read
   */
  *open(path: string): Stretches<IndexCopy | undefined> {
    const file = openFile(path);
    if (!file) return undefined;
    fs.closeSync(file.fd);
    const { identity } = file;
    const load = () => this.#load(path);
    const copy = this.#find(path, identity) ?? (yield* this.#loading.do(`${path}\0${identity}`, load));
    if (copy) this.#use(copy);
    return copy;
  }

  /**
   * The content of a file that is needed just once and not kept; undefined where there is none.
   * @throws the system's error when it cannot be read
   */
  *readOnce(path: string): Stretches<Buffer | undefined> {
    const file = openFile(path);
    if (!file) return undefined;
    try {
      const data = Buffer.allocUnsafeSlow(file.size);
      yield* readFile(file.fd, data, path);
      this.#countLoad(path);
      return data;
    } finally {
      fs.closeSync(file.fd);
    }
  }

  /**
   * Says that a file that was opened before is used again, without a look at the disk. Returns the copy to use from
   * now on: the one that the workers agreed on. One that was dropped meanwhile is held again.
   */
  use(file: IndexCopy): IndexCopy {
    this.receive();
    const held = this.#files.get(file.path);
    if (held && held.identity !== file.identity) return file;
    if (!held) this.#announce(file);
    const copy = held ?? file;
    this.#use(copy);
    return copy;
  }

  /** Whether this very copy is held. */
  holds(file: IndexCopy): boolean {
    return this.#files.get(file.path) === file;
  }

  /** Drops a file that is known to be gone from the disk, in all workers. */
  drop(file: IndexCopy): void {
    // What others said before would have it held again.
    this.receive();
    const held = this.#files.get(file.path);
    if (held?.identity !== file.identity) return;
    this.#drop(held);
  }

  /** Bytes held, tables included. */
  get memory(): number {
    return this.#memory;
  }

  /** Lets go of everything, in this thread; nothing is shared from then on. */
  close(): void {
    this.#exchange?.close();
    this.#exchange = undefined;
    for (const copy of this.#files.values()) this.#forget(copy);
  }

  // What copies ask for.

  get shared(): boolean {
    return this.#exchange !== undefined;
  }

  tick(): bigint {
    return this.#sharing ? Atomics.add(this.#sharing.clock, 0, 1n) + 1n : ++this.#ticks;
  }

  receive(): void {
    this.#exchange?.receive();
  }

  grown(copy: IndexCopy, bytes: number): void {
    if (!this.holds(copy)) return;
    this.#account(bytes);
    this.#exchange?.held(copy.parts);
    this.#use(copy);
  }

  // What other workers say.

  onJoin(): void {
    for (const copy of this.#files.values()) this.#untold.add(copy);
  }

  onHeld(parts: CopyParts): void {
    const ours = this.#files.get(parts.path);
    const same = ours?.identity === parts.identity;
    // Of two copies of one file the earlier one is kept, of two files the later one.
    if (ours && (same ? ours.serial <= parts.serial : ours.serial > parts.serial)) {
      if (same) this.#account(ours.adopt(parts.derived));
      if (ours.serial !== parts.serial) this.#untold.add(ours);
      return;
    }
    const theirs = new IndexCopy(parts, this);
    if (ours && same) theirs.adopt(ours.parts.derived);
    this.#hold(theirs);
  }

  onDropped({ path, serial, lastUse }: Drop): void {
    const copy = this.#files.get(path);
    if (copy?.serial !== serial) return;
    // One that was used since is kept; whoever dropped it takes it back.
    if (copy.lastUse === lastUse) this.#forget(copy);
    else this.#untold.add(copy);
  }

  onReceived(): void {
    for (const copy of this.#untold) if (this.holds(copy)) this.#exchange?.held(copy.parts);
    this.#untold.clear();
    this.#trim();
  }

  #find(path: string, identity: string): IndexCopy | undefined {
    this.receive();
    const copy = this.#files.get(path);
    return copy?.identity === identity ? copy : undefined;
  }

  *#load(path: string): Stretches<IndexCopy | undefined> {
    const file = openFile(path);
    if (!file) return undefined;
    const { fd, size, identity } = file;
    try {
      const copy = yield* IndexCopy.read(fd, size, { path, identity }, this);
      this.#countLoad(path);
      // Another worker may have been faster.
      const meanwhile = this.#find(path, identity);
      if (meanwhile) this.#discard(copy.bytes);
      else this.#announce(copy);
      return meanwhile ?? copy;
    } finally {
      fs.closeSync(fd);
    }
  }

  #countLoad(path: string): void {
    if (this.#sharing) Atomics.add(this.#sharing.loads[kindOfIndex(path)], 0, 1n);
  }

  #use(copy: IndexCopy): void {
    copy.lastUse = this.tick();
    this.#trim();
  }

  #announce(copy: IndexCopy): void {
    copy.lastUse = this.tick();
    this.#hold(copy);
    this.#exchange?.held(copy.parts);
  }

  /** Puts a copy in the place of what was held under its path. */
  #hold(copy: IndexCopy): void {
    const before = this.#files.get(copy.path);
    if (before) this.#forget(before);
    this.#files.set(copy.path, copy);
    this.#account(copy.bytes);
  }

  #forget(copy: IndexCopy): void {
    this.#files.delete(copy.path);
    this.#account(-copy.bytes);
    this.#discard(copy.bytes);
  }

  /** Drops what was used longest ago in any worker until the rest is within the budget, but not what was used last. */
  #trim(): void {
    if (this.#memory <= this.#budget) return;
    // Read once: other workers go on using files meanwhile.
    const uses = Array.from(this.#files.values(), (copy) => ({ copy, lastUse: copy.lastUse }));
    uses.sort((a, b) => (a.lastUse < b.lastUse ? -1 : 1)).pop();
    for (const { copy } of uses) {
      if (this.#memory <= this.#budget) return;
      this.#drop(copy);
    }
  }

  /** Drops files that are not on disk any more: no one will ask for them. One that cannot be looked at stays. */
  dropVanished(): void {
    for (const copy of [...this.#files.values()]) if (hasVanished(copy.path)) this.#drop(copy);
  }

  #drop(copy: IndexCopy): void {
    this.#exchange?.dropped({ path: copy.path, serial: copy.serial, lastUse: copy.lastUse });
    this.#forget(copy);
  }

  #account(bytes: number): void {
    this.#memory += bytes;
    if (this.#sharing && this.#exchange) Atomics.store(this.#sharing.held, 0, BigInt(this.#memory));
  }

  #discard(bytes: number): void {
    this.#garbage += bytes;
    if (this.#sweeping) return;
    this.#sweeping = true;
    setImmediate(() => this.#sweep()).unref();
  }

  /**
   * V8 does not count shared memory, so a thread with nothing else to collect would hold on to what it let go of for
   * hours, in every thread that has seen it.
   */
  #sweep(): void {
    this.#sweeping = false;
    this.#onRelease();
    if (!this.shared || this.#garbage < MOST_GARBAGE) return;
    this.#garbage = 0;
    collectGarbage();
  }
}

interface OpenFile {
  readonly fd: number;
  readonly size: number;
  readonly identity: string;
}

function hasVanished(path: string): boolean {
  try {
    return fs.statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** To be closed by who asks; undefined where there is no such file. */
function openFile(path: string): OpenFile | undefined {
  let fd: number;
  try {
    // Most of what is looked for is not there, and an exception costs ten times as much as a look.
    if (!fs.statSync(path, { throwIfNoEntry: false })) return undefined;
    fd = fs.openSync(path, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const { ino, size, mtimeNs, ctimeNs } = fs.fstatSync(fd, { bigint: true });
    return { fd, size: Number(size), identity: `${ino}:${size}:${mtimeNs}:${ctimeNs}` };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}
