/** Streams that are kept in files below the cache directory, within a budget of bytes. */
import fs from 'node:fs/promises';
import { stopped } from '../../errors.ts';
import { isMissing } from '../../repository/missing-file.ts';
import { CacheLock } from '../cache-lock.ts';
import { GrowingStream } from './growing-stream.ts';
import { IncomingStream } from './incoming-stream.ts';
import { SourceReader } from './source-reader.ts';
import { StoredSource } from './stored-source.ts';
import { StoredStream, type StreamEnds } from './stored-stream.ts';
import type { StreamHead, StreamReader, StreamWriter } from './stream.ts';
import { StreamDirectory, withEach } from './stream-directory.ts';
import { DamagedStream } from './stream-format.ts';
import type { StreamPolicy } from './stream-policy.ts';
import type { StreamKeeper, UnfinishedStream } from './unfinished-stream.ts';

/** Milliseconds after which a disk that failed is tried again. */
const RETRY_AFTER = 60_000;
/** Milliseconds between looks for entries that have become too old, or were purged. */
const SWEEP_EVERY = 30_000;
/** One stream may take so much of the budget: it is not to push out all others. */
const STREAM_SHARE = 0.5;
/** Keys that are remembered as those of longer streams. */
const MOST_LONG = 1000;

export type LeavingReason = 'age' | 'budget' | 'damaged' | 'purged';

export interface StreamStoreOptions {
  /** Bytes of files, of those too that are being written. */
  readonly budget: number;
  readonly policy: StreamPolicy;
  /** Milliseconds after which a disk that failed is tried again; 60 s where left out. */
  readonly retryAfter?: number;
  /** Told of a disk that fails: the store turns off for a while. */
  onFault?(what: string, error: Error): void;
  onEvicted?(reason: LeavingReason, bytes: number): void;
}

interface Entry {
  /** Of its file. */
  readonly bytes: number;
}

export class StreamStore {
  readonly #options: StreamStoreOptions;
  readonly #directory: StreamDirectory;
  readonly #path: string;
  readonly #entries = new Map<string, Entry>();
  /** Bytes of the file of each stream that is being written. */
  readonly #growing = new Map<UnfinishedStream, number>();
  readonly #keeper: StreamKeeper;
  /** Of streams that were found to be too long to be kept. */
  readonly #long = new Set<string>();
  readonly #sweeping: NodeJS.Timeout;
  #lock: CacheLock;
  /** Bytes of entries, and of what is being written. */
  #kept = 0;
  #unfinished = 0;
  #onAgainAt = Number.NEGATIVE_INFINITY;
  #retaking: Promise<void> | undefined;
  /** Resolves when every file is removed that has to be, one after the other. */
  #removed = Promise.resolve();
  #isClosed = false;

  private constructor(path: string, lock: CacheLock, options: StreamStoreOptions) {
    this.#path = path;
    this.#directory = new StreamDirectory(path);
    this.#lock = lock;
    this.#options = options;
    this.#keeper = {
      makeRoom: (stream, bytes) => this.#makeRoom(stream, bytes),
      keep: (stream, head, bytes) => this.#keep(stream, head, bytes),
      ended: (stream) => this.#ended(stream),
      onFault: (error) => this.#fault('a stream cannot be written', error),
    };
    this.#sweeping = setInterval(() => void this.sweep(), SWEEP_EVERY).unref();
  }

  /**
   * Takes the directory, and finds what is there: whole entries stay, unfinished ones are removed.
   * @param directory the cache directory; made where it is missing
   * @throws PackhorseError that says which process has the directory, or why it cannot be used
   */
  static async open(directory: string, options: StreamStoreOptions): Promise<StreamStore> {
    const store = new StreamStore(directory, await CacheLock.take(directory), options);
    try {
      await store.#scan();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Of all files, unfinished ones too. */
  get bytes(): number {
    return this.#kept + this.#unfinished;
  }

  get entries(): number {
    return this.#entries.size;
  }

  /** Whether a disk that failed keeps anything new from being kept for now. */
  get isOff(): boolean {
    return performance.now() < this.#onAgainAt;
  }

  /**
   * A stream that is kept: its ends and its first block are checked. Where it is damaged or gone, it is no entry any
   * more. The policy is told of the use.
   */
  async find(key: string): Promise<StreamReader | undefined> {
    const entry = this.#entries.get(key);
    if (!entry || this.#isClosed) return undefined;
    const lost = (error: Error) => {
      // There may be a new one by now.
      if (this.#entries.get(key) === entry) this.#lost(key, error);
    };
    try {
      const stream = await StoredStream.open(this.#directory.file(key), key);
      const [source] = await Promise.all([StoredSource.start(stream, lost), stream.touch()]);
      this.#options.policy.used(key);
      return new SourceReader(source);
    } catch (error) {
      lost(error as Error);
      return undefined;
    }
  }

  /** Lets those leave that have become too old, and takes note of those that someone has removed. */
  async sweep(): Promise<void> {
    const before = [...this.#entries];
    // What cannot be told now may be told later.
    const listed = await this.#directory.list().catch(() => undefined);
    if (this.#isClosed) return;
    const there = listed && new Set(listed.entries);
    for (const [key, entry] of there ? before : []) {
      const isSame = this.#entries.get(key) === entry;
      if (isSame && !there!.has(key)) this.#options.onEvicted?.('purged', this.#forget(key));
    }
    this.#evict();
  }

  /** undefined where the store is off, or the disk does not give a file. */
  create(head: StreamHead): Promise<StreamWriter | undefined> {
    return this.#begin(head.key, (file) => GrowingStream.create(file, head, this.#keeper));
  }

  /** For the file of an entry that comes from elsewhere; undefined as with {@link create}. */
  receive(key: string): Promise<IncomingStream | undefined> {
    return this.#begin(key, (file) => IncomingStream.create(file, key, this.#keeper));
  }

  /** The file of an entry, to be read as it is; undefined where there is none any more. */
  async file(key: string): Promise<fs.FileHandle | undefined> {
    if (!this.#entries.has(key)) return undefined;
    return fs.open(this.#directory.file(key)).catch(() => undefined);
  }

  async #begin<T extends UnfinishedStream>(
    key: string,
    make: (file: string) => Promise<T>,
  ): Promise<T | undefined> {
    if (this.isOff || this.#isClosed || this.#long.has(key)) return undefined;
    try {
      await this.#retake();
      await this.#directory.make();
      const stream = await make(this.#directory.unfinished(key));
      this.#growing.set(stream, 0);
      if (this.#isClosed) await stream.abort(stopped());
      return stream;
    } catch (error) {
      this.#fault('a stream cannot be written', error as Error);
      return undefined;
    }
  }

  /** What is being written is aborted. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeping);
    await Promise.all([...this.#growing.keys()].map((stream) => stream.abort(stopped())));
    await this.#retaking?.catch(() => {});
    await this.#removed;
    await this.#lock.release();
  }

  async #scan(): Promise<void> {
    const { entries, unfinished } = await this.#directory.list();
    const own = new Set([...this.#growing.keys()].map((stream) => stream.path));
    for (const file of unfinished) if (!own.has(file)) this.#remove(file);
    const found: StreamEnds[] = [];
    await withEach(entries, async (key) => {
      try {
        found.push(await this.#directory.ends(key));
      } catch (error) {
        this.#lost(key, error as Error);
      }
    });
    // What was in use is as good as new.
    for (const { head, fileSize, lastUse } of found) this.#add({ ...head, created: lastUse }, fileSize);
    this.#evict();
    await this.#removed;
  }

  #add(head: StreamHead, bytes: number): void {
    this.#forget(head.key);
    const { key, kind, created } = head;
    this.#entries.set(key, { bytes });
    this.#kept += bytes;
    this.#options.policy.added({ key, kind, bytes, created });
  }

  /** It is no entry any more; returns the bytes of its file. */
  #forget(key: string): number {
    const bytes = this.#entries.get(key)?.bytes ?? 0;
    if (this.#entries.delete(key)) this.#options.policy.removed(key);
    this.#kept -= bytes;
    return bytes;
  }

  #evict(): void {
    const leaving = this.#options.policy.leaving(this.#unfinished);
    for (const { key, reason } of leaving) this.#discard(key, reason);
  }

  #discard(key: string, reason: LeavingReason): void {
    this.#options.onEvicted?.(reason, this.#forget(key));
    this.#remove(this.#directory.file(key));
  }

  #remove(file: string): void {
    this.#removed = this.#removed
      .then(() => fs.rm(file, { force: true }))
      .catch((error) => this.#fault('a stream cannot be removed', error));
  }

  /** An entry that could not be read. */
  #lost(key: string, error: Error): void {
    if (error instanceof DamagedStream) this.#discard(key, 'damaged');
    else if (isMissing(error)) this.#options.onEvicted?.('purged', this.#forget(key));
    else {
      this.#fault('a stream cannot be read', error);
      // Any other fault is not its own.
      if ((error as NodeJS.ErrnoException).code === 'EIO') this.#discard(key, 'damaged');
    }
  }

  #fault(what: string, error: Error): void {
    this.#onAgainAt = performance.now() + (this.#options.retryAfter ?? RETRY_AFTER);
    this.#options.onFault?.(what, error);
  }

  #makeRoom(stream: UnfinishedStream, bytes: number): boolean {
    const more = bytes - this.#growing.get(stream)!;
    const { budget } = this.#options;
    if (bytes > budget * STREAM_SHARE) this.#tooLong(stream.key);
    // Nothing more is evicted for what has no room by itself.
    if (bytes > budget * STREAM_SHARE || this.#unfinished + more > budget) return false;
    this.#growing.set(stream, bytes);
    this.#unfinished += more;
    if (this.bytes > budget) this.#evict();
    return true;
  }

  #tooLong(key: string): void {
    const [oldest] = this.#long;
    if (this.#long.size === MOST_LONG) this.#long.delete(oldest);
    this.#long.add(key);
  }

  async #keep(stream: UnfinishedStream, head: StreamHead, bytes: number): Promise<void> {
    try {
      // The one before it may still have the name.
      await this.#removed;
      await fs.rename(stream.path, this.#directory.file(head.key));
      this.#letGo(stream);
      this.#add(head, bytes);
      this.#evict();
    } catch (error) {
      // Whoever purges a repository, or deletes the directory, does not want it kept.
      if (!isMissing(error)) this.#fault('a stream cannot be kept', error as Error);
    }
  }

  async #ended(stream: UnfinishedStream): Promise<void> {
    if (!this.#letGo(stream)) return;
    this.#remove(stream.path);
    await this.#removed;
  }

  /** Its file is not being written any more; whether it was. */
  #letGo(stream: UnfinishedStream): boolean {
    this.#unfinished -= this.#growing.get(stream) ?? 0;
    return this.#growing.delete(stream);
  }

  /** Has the lock where it belongs: when the directory was deleted, it may be another's by now. */
  async #retake(): Promise<void> {
    if (await this.#lock.isInPlace()) return;
    this.#retaking ??= (async () => {
      await this.#lock.release();
      this.#lock = await CacheLock.take(this.#path);
      for (const key of [...this.#entries.keys()]) this.#options.onEvicted?.('purged', this.#forget(key));
      await this.#scan();
    })().finally(() => {
      this.#retaking = undefined;
    });
    await this.#retaking;
  }
}
