/**
 * A pack in the making: for one client, which takes it as it comes, or for several that follow it. Then it goes into a
 * file from its first byte on, and each of them reads that at its own pace.
 */
import { asPackhorseError, cancelled, type PackhorseError } from '../../errors.ts';
import { type Framing, stampFrames } from '../../protocol/sideband.ts';
import type { StreamReader, StreamTail, StreamWriter } from '../../store/streams/stream.ts';
import type { Statistics } from '../../upload-pack/statistics.ts';
import type { Place } from '../admission/place.ts';
import type { RunningTask, TaskListener, WorkerMessage } from '../pool.ts';
import { GRACE } from '../stalls.ts';

/** A client, as its pack goes. */
export interface Follower {
  /** So many builds are before that of its pack. */
  moved(ahead: number): void;
  /** The pack is being made. */
  begun(): void;
  progress(text: string): void;
  /** A part of the pack, in frames; `taken` is called when the client has it. Where the pack is not in a file. */
  chunk(frames: Uint8Array, taken: () => void): void;
  /** The pack is to be read from here. */
  read(reader: StreamReader): void;
  /** All chunks have been handed over. */
  ended(statistics: Statistics): void;
  /** What the pack cost is to be said of this client. */
  pays(): void;
  failed(error: PackhorseError, statistics: Statistics | undefined): void;
  /** No file can be had: it is to make its pack for itself. */
  alone(): void;
}

export interface BuildOptions {
  /** That of the client that asked first, and the build's from now on. */
  readonly place: Place;
  readonly lane: 'clone' | 'fetch';
  /** The task that asked for the place. */
  readonly source: RunningTask;
  readonly framing: Framing;
  /** Bytes that may be on their way. */
  readonly window: () => number;
  readonly onEnd: () => void;
}

/** What is known of a pack that is whole. */
export interface Built extends StreamTail {
  readonly statistics: Statistics;
  /** The last line of progress: what the pack is made of. */
  readonly total: string;
}

interface Chunk {
  readonly frames: Uint8Array;
  readonly buffer: ArrayBuffer;
}

export class Build implements TaskListener {
  readonly #options: BuildOptions;
  readonly #first: Follower;
  readonly #followers = new Set<Follower>();
  /** Whether there is someone who looks after the task of the first client. */
  #hasSource = true;
  #task: RunningTask | undefined;
  #writer: StreamWriter | undefined;
  #keeping: Promise<void> | undefined;
  /** What came while a file was being made. */
  #early: Chunk[] = [];
  #hasBytes = false;
  #total = '';
  #written: Promise<void> = Promise.resolve();
  #ahead: number | undefined;
  /** Told what came of it when the last client has left. */
  #onAbandoned: ((statistics: Statistics | undefined) => void) | undefined;
  #isOver = false;
  #finishing: Promise<void> | undefined;

  /** @param first the client that asked first */
  constructor(first: Follower, options: BuildOptions) {
    this.#options = options;
    this.#first = first;
    this.#followers.add(first);
  }

  /** Whether one who comes now gets all of it. */
  get isOpen(): boolean {
    if (this.#isOver || this.#onAbandoned) return false;
    // What comes while its file is being made waits for that.
    return this.#keeping !== undefined || !this.#hasBytes;
  }

  /** Resolves when the file is there for all, where that is about to be. */
  get finishing(): Promise<void> | undefined {
    // Where nothing is kept, it ends when the slowest client has all.
    return this.#writer?.isKept ? this.#finishing : undefined;
  }

  /** Asks for the place. */
  enter(): void {
    const { place, lane } = this.#options;
    place.enter(lane, {
      granted: () => this.#begin(),
      refused: (error) => this.#fail(error, undefined),
      moved: (ahead) => {
        this.#ahead = ahead;
        for (const follower of this.#followers) follower.moved(ahead);
      },
    });
  }

  /** Has it kept in a file, where `create` gives one; before its first byte. */
  keep(create: () => Promise<StreamWriter | undefined>): void {
    this.#keeping ??= this.#keep(create);
  }

  /** @returns false where the file cannot be followed any more */
  join(follower: Follower): boolean {
    const reader = this.#writer?.reader();
    if (this.#writer && !reader) return false;
    this.#followers.add(follower);
    if (this.#task) follower.begun();
    else if (this.#ahead !== undefined) follower.moved(this.#ahead);
    if (reader) follower.read(reader);
    return true;
  }

  /**
   * Goes on without a client; without any it ends.
   * @param onEnd told what came of it where this was the last
   * @returns whether the task of the client that asked first is still needed: to begin with
   */
  leave(follower: Follower, onEnd: (statistics: Statistics | undefined) => void): boolean {
    this.#followers.delete(follower);
    const isLast = this.#followers.size === 0 && !this.#isOver;
    if (isLast && this.#task) {
      this.#onAbandoned = onEnd;
      this.#task.cancel();
      return false;
    }
    if (isLast) this.#fail(cancelled(), undefined);
    onEnd(undefined);
    this.#hasSource &&= follower !== this.#first;
    return follower === this.#first && !this.#task && !this.#isOver;
  }

  /** The task of a client has failed: without that of the first no one can begin. */
  lost(follower: Follower, error: PackhorseError): void {
    if (follower === this.#first && !this.#task) this.#fail(error, undefined);
    else this.leave(follower, () => {});
  }

  onMessage(message: Exclude<WorkerMessage, { type: 'end' | 'error' }>): void {
    if (message.type === 'progress') {
      this.#total = message.text;
      for (const follower of this.#followers) follower.progress(message.text);
    } else if (message.type === 'chunk') {
      const { buffer, length } = message;
      const frames = new Uint8Array(buffer, 0, length);
      stampFrames(frames, this.#options.framing);
      this.#hasBytes = true;
      if (this.#keeping && !this.#writer) this.#early.push({ frames, buffer });
      else this.#pass({ frames, buffer });
    }
  }

  onEnd(statistics: Statistics): void {
    this.#finishing = this.#finish(statistics);
  }

  onError(error: PackhorseError, statistics: Statistics | undefined): void {
    this.#fail(error, statistics);
  }

  #begin(): void {
    const { source, window } = this.#options;
    this.#task = source.placedApart(window(), this);
    if (!this.#hasSource) source.cancel();
    for (const follower of this.#followers) follower.begun();
  }

  async #keep(create: () => Promise<StreamWriter | undefined>): Promise<void> {
    const writer = await create();
    if (this.#isOver) {
      await writer?.abort(cancelled());
      return;
    }
    const readers = [...this.#followers].map((follower) => ({ follower, reader: writer?.reader() }));
    if (readers.every(({ reader }) => reader)) {
      this.#writer = writer;
      for (const { follower, reader } of readers) follower.read(reader!);
    } else this.#part();
    for (const chunk of this.#early.splice(0)) this.#pass(chunk);
  }

  /** There is no file to follow: the first client takes what is made here, the others go their own ways. */
  #part(): void {
    this.#keeping = undefined;
    for (const follower of this.#followers) {
      if (follower === this.#first) continue;
      this.#followers.delete(follower);
      follower.alone();
    }
    // The first one has left, and what it asked for goes to no one.
    if (this.#followers.size > 0) return;
    this.#task?.cancel();
    this.#fail(cancelled(), undefined);
  }

  #pass({ frames, buffer }: Chunk): void {
    const credit = () => this.#task?.credit(frames.length, this.#options.window(), buffer);
    const writer = this.#writer;
    if (writer) {
      this.#written = this.#written
        .then(() => this.#write(writer, frames))
        // It may have given its place away: for now, or, at the end, for good.
        .then(() => {
          if (!this.#isOver) this.#options.place.goOn(credit);
        })
        // It refuses what comes after its end.
        .catch((error) => this.onError(asPackhorseError(error), undefined));
      return;
    }
    for (const follower of this.#followers) follower.chunk(frames, credit);
  }

  /** Who waits for a disk, or for the readers of what no disk takes, leaves its place to others. */
  async #write(writer: StreamWriter, frames: Uint8Array): Promise<void> {
    const { place } = this.#options;
    // One that waits for a place has none to leave, and what it is to go on with must not be forgotten.
    const timer = setTimeout(() => place.held && place.rest(), GRACE).unref();
    try {
      await writer.write(frames);
    } finally {
      clearTimeout(timer);
    }
  }

  async #finish(statistics: Statistics): Promise<void> {
    await this.#keeping;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.place.leave();
    if (this.#writer) {
      await this.#written;
      // The first client's record has the cost, and where that has left, another one's.
      const [heir] = this.#followers;
      if (heir && !this.#followers.has(this.#first)) heir.pays();
      const built: Built = { statistics, total: this.#total };
      await this.#writer.finish(built);
    } else for (const follower of this.#followers) follower.ended(statistics);
    this.#onAbandoned?.(statistics);
    this.#options.onEnd();
  }

  #fail(error: PackhorseError, statistics: Statistics | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.place.leave();
    if (!this.#task && !this.#hasSource) this.#options.source.cancel();
    this.#options.onEnd();
    // Who reads the file gets to the error when it has read all that was written before.
    if (this.#writer) void this.#writer.abort(error);
    else for (const follower of this.#followers) follower.failed(error, statistics);
    this.#onAbandoned?.(statistics);
  }
}
