/** From a worker's channel to a client: places taken, frame headers stamped, bytes written, credit returned for them. */
import type { PlaceRequest } from '../channel/messages.ts';
import type { Task } from '../channel/task.ts';
import { cancelled, type PackhorseError } from '../errors.ts';
import { stampFrames } from '../protocol/sideband.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import type { Admission } from './admission/admission.ts';
import { ClientSide } from './client-side.ts';
import { InputFeed } from './input-feed.ts';
import { PackAccount } from './pack-account.ts';
import { type DeliveryHost, PackDelivery } from './pack-delivery.ts';
import type { RunningTask, TaskListener, WorkerMessage, WorkerPool } from './pool.ts';
import type { PumpTarget } from './pump-target.ts';
import type { StreamCache } from './stream-cache/stream-cache.ts';

export interface PumpOptions {
  readonly pool: WorkerPool;
  readonly admission: Admission;
  /** Packs that are kept; undefined: none are. */
  readonly cache: StreamCache | undefined;
  /** Who the client is, where that is known. */
  readonly client: string | undefined;
}

export interface PumpResult {
  readonly statistics: Statistics | undefined;
  readonly error: PackhorseError | undefined;
  /** Bytes written to the client since the last command that was answered, framing included. */
  readonly bytes: number;
}

/**
 * Runs a task, when its turn comes, and sends its response. Resolves when the worker has ended the task and the last
 * byte has gone out, or the client went away; it never rejects.
 */
export function pump(
  task: Omit<Task, 'window'>,
  target: PumpTarget,
  options: PumpOptions,
): Promise<PumpResult> {
  return new Promise((resolve) => new Pump(target, task, options, resolve).start());
}

class Pump implements TaskListener, DeliveryHost {
  readonly #target: PumpTarget;
  readonly #given: Omit<Task, 'window'>;
  readonly #options: PumpOptions;
  readonly #resolve: (result: PumpResult) => void;
  readonly #client: ClientSide;
  readonly #account = new PackAccount();
  #task: RunningTask | undefined;
  #feed: InputFeed | undefined;
  /** The place that was asked for last. */
  #asked: PlaceRequest | undefined;
  /** The pack, while it comes by way of the cache; what the client's own task says meanwhile is for later. */
  #delivery: PackDelivery | undefined;
  #later: (() => void)[] = [];
  /** Whether it is being found out if the command that has begun may; what the task says meanwhile is for later too. */
  #isHeld = false;
  /** Why a delivery ends early, and whether it is known what became of its pack. */
  #abandoned: { readonly why: PackhorseError; isKnown: boolean } | undefined;
  /** Bytes written when the last command ended. */
  #told = 0;
  /** How the task ended; undefined while it runs. */
  #end: { statistics?: Statistics | undefined; error?: PackhorseError } | undefined;
  #isGone = false;

  constructor(
    target: PumpTarget,
    task: Omit<Task, 'window'>,
    options: PumpOptions,
    resolve: (result: PumpResult) => void,
  ) {
    const { admission, client } = options;
    this.#target = target;
    this.#given = task;
    this.#options = options;
    this.#resolve = resolve;
    this.#client = new ClientSide({
      stream: target.stream,
      admission,
      party: { repository: task.path, client },
      begin: () => target.begin(),
      refuse: (error) => target.refuse(error),
    });
    target.watched?.(this.#client);
  }

  start(): void {
    const { stream, signal } = this.#target;
    signal.addEventListener('abort', () => this.#stop());
    stream.once('finish', () => this.#streamEnded(false));
    stream.once('close', () => this.#streamEnded(true));
    if (stream.destroyed) this.#streamEnded(true);
    else if (signal.aborted) this.#stop();
    else {
      this.#client.place.enter('light', {
        granted: () => this.#run(),
        refused: (error) => this.onError(error, undefined),
      });
    }
  }

  onMessage(message: Exclude<WorkerMessage, { type: 'end' | 'error' }>): void {
    if (this.#delivery || this.#isHeld) {
      if (this.#delivery && message.type === 'answered') this.#account.own = message.statistics;
      this.#later.push(() => this.onMessage(message));
      return;
    }
    if (this.#abandoned) return;
    switch (message.type) {
      case 'chunk': {
        const { buffer, length } = message;
        const frames = new Uint8Array(buffer, 0, length);
        stampFrames(frames, this.#client.framing);
        this.#write(frames, buffer);
        break;
      }
      case 'section': {
        const { bytes, bands } = message;
        // What is longer than it is was lent by the worker.
        this.#write(bytes, bytes.byteLength < bytes.buffer.byteLength ? bytes.buffer : undefined);
        if (bands !== undefined)
          this.#client.setBands(bands, bands !== null && bytes.length === 0 && this.#isV2);
        break;
      }
      case 'file':
        this.#target.file?.(message);
        break;
      case 'progress':
        this.#client.tell(message.text);
        break;
      case 'place':
        this.#account.waits(message.statistics);
        this.#enter(message);
        break;
      case 'taken':
        this.#feed?.taken(message.bytes);
        if (this.#feed?.isTaken) this.#client.rest();
        break;
      case 'read':
        this.#target.read?.();
        break;
      case 'began':
        this.#client.begins();
        this.#holdUntil(this.#target.began?.());
        break;
      case 'answered':
        this.#answered(message.statistics);
    }
  }

  onEnd(statistics: Statistics): void {
    this.#account.own = statistics;
    if (this.#delivery || this.#isHeld) this.#later.push(() => this.onEnd(statistics));
    else if (this.#abandoned) this.#conclude();
    else {
      this.#end = { statistics: this.#account.close() };
      this.#client.end();
      this.#settle();
    }
  }

  onError(error: PackhorseError, statistics: Statistics | undefined): void {
    this.#account.own ??= statistics;
    if (this.#abandoned) {
      this.#conclude();
      return;
    }
    if (this.#isHeld) {
      this.#later.push(() => this.onError(error, statistics));
      return;
    }
    this.#delivery?.lost(error);
    this.#delivery = undefined;
    this.#fail(error.code === 'PACKHORSE_CANCELLED' ? this.#reason : error);
  }

  // What the delivery of a pack asks for.

  get room(): boolean {
    return this.#client.room;
  }

  begun(): void {
    this.#client.makes();
  }

  moved(ahead: number): void {
    this.#client.moved(ahead);
  }

  progress(text: string): void {
    this.#client.progress(text);
  }

  write(frames: Uint8Array, taken: () => void): void {
    this.#client.write(frames, taken);
  }

  reads(isServed: boolean): void {
    this.#client.readsFile();
    if (isServed) this.#task?.placed('served');
  }

  delivered(built: Statistics, pays: boolean): void {
    this.#deliveryEnded(built, pays);
    this.#client.closePack();
    this.#goOn();
  }

  failed(error: PackhorseError, built: Statistics | undefined): void {
    this.#deliveryEnded(built);
    this.#later = [];
    if (!this.#task?.fail(error)) this.onError(error, undefined);
  }

  alone(): void {
    this.#deliveryEnded(undefined);
    this.#enterLane(this.#asked!);
  }

  #deliveryEnded(built: Statistics | undefined, pays = true): void {
    this.#account.came(this.#delivery!.result, built, pays);
    this.#delivery = undefined;
    this.#client.packEnded();
  }

  #fail(why: PackhorseError): void {
    this.#end = { error: why, statistics: this.#account.close() };
    this.#client.fail(why);
    this.#settle();
  }

  get #isV2(): boolean {
    const { work } = this.#given;
    return 'version' in work && work.version === 2;
  }

  #run(): void {
    this.#client.negotiates();
    const task = this.#options.pool.run({ ...this.#given, window: this.#client.takeWindow() }, this);
    this.#task = task;
    const { input, turn } = this.#target;
    if (!input) return;
    const worker = {
      input: (bytes: Uint8Array<ArrayBuffer>) => this.#client.goOn(() => task.input(bytes)),
      endInput: () => this.#client.goOn(() => task.endInput()),
    };
    this.#feed = new InputFeed(input, worker, turn);
  }

  /** The worker is about to make a pack; the client is sent one that is there, where it is the same. */
  #enter(request: PlaceRequest): void {
    const { cache } = this.#options;
    const { key } = request;
    this.#asked = request;
    this.#client.listens(request);
    if (!cache || key === undefined) {
      if (cache) this.#account.came('bypass');
      this.#enterLane(request);
      return;
    }
    this.#delivery = new PackDelivery(this, this.#client.framing);
    const asked = this.#delivery.start(cache, {
      key,
      place: request,
      repository: this.#given.path,
      framing: this.#client.framing,
      takePlace: () => this.#client.handPlaceOver(),
      source: this.#task!,
    });
    void asked.then(() => this.#letIn());
  }

  #enterLane({ lane }: PlaceRequest): void {
    this.#client.place.enter(lane, {
      granted: () => {
        this.#client.makes();
        this.#task?.placed('here');
      },
      refused: (error) => this.#task?.fail(error),
      moved: (ahead) => this.moved(ahead),
    });
    this.#letIn();
  }

  /** One that waits has been let in, and may hear so. */
  #letIn(): void {
    if (!this.#end) this.#client.release();
  }

  #answered(statistics: Statistics): void {
    this.#account.own = statistics;
    this.#client.answered();
    this.#feed?.answered(statistics.kind !== 'none');
    this.#target.answered?.(this.#account.close()!, this.#client.bytes - this.#told);
    this.#told = this.#client.bytes;
  }

  /** @param buffer the worker's, which gets it back */
  #write(bytes: Uint8Array, buffer?: ArrayBuffer): void {
    this.#client.write(bytes, () => this.#task?.credit(bytes.length, this.#client.takeWindow(), buffer));
  }

  #holdUntil(mayBegin: Promise<boolean> | undefined): void {
    if (!mayBegin) return;
    this.#isHeld = true;
    void mayBegin.then((isSo) => {
      this.#isHeld = false;
      if (isSo) this.#goOn();
    });
  }

  #goOn(): void {
    for (const action of this.#later.splice(0)) action();
  }

  /** Ends a delivery before its time. */
  #abandon(why: PackhorseError): void {
    const delivery = this.#delivery!;
    const abandoned = { why, isKnown: false };
    this.#delivery = undefined;
    this.#later = [];
    this.#abandoned = abandoned;
    const isNeeded = delivery.leave((built) => {
      this.#account.came(delivery.result, built);
      abandoned.isKnown = true;
      this.#conclude();
    });
    // What others wait for goes on; of this client nothing more will be known.
    if (isNeeded) {
      this.#account.left();
      this.#fail(why);
    } else this.#task?.cancel();
  }

  /** Ends a command that may not begin, whatever has become of it. */
  #drop(why: PackhorseError): void {
    this.#abandoned = { why, isKnown: false };
    this.#later = [];
    this.#task?.cancel();
    this.#fail(why);
  }

  /** Ends when both are known: what the client's own task has found out, and what became of its pack. */
  #conclude(): void {
    const { why, isKnown } = this.#abandoned!;
    if (isKnown && this.#account.own && !this.#end) this.#fail(why);
  }

  /** Ends the work before its time. */
  #stop(): void {
    if (this.#end || this.#abandoned) return;
    if (this.#delivery) this.#abandon(this.#reason);
    else if (this.#isHeld) this.#drop(this.#reason);
    else if (this.#task) this.#task.cancel();
    else {
      this.#client.place.leave();
      this.onError(this.#reason, undefined);
    }
  }

  /** Why work ends that was cancelled. */
  get #reason(): PackhorseError {
    const { signal } = this.#target;
    return signal.aborted ? (signal.reason as PackhorseError) : cancelled();
  }

  #streamEnded(isGone: boolean): void {
    if (!this.#client.isOpen) return;
    this.#isGone = isGone;
    this.#client.close();
    this.#feed?.stop();
    if (!this.#end && !this.#task) this.#end = { error: this.#reason };
    // What comes back from the worker now is only how far it came.
    this.#stop();
    this.#settle();
  }

  #settle(): void {
    if (!this.#end) return;
    this.#client.settle();
    if (this.#client.isOpen) return;
    const { statistics, error } = this.#end;
    const gone = this.#isGone && !error ? this.#reason : error;
    this.#resolve({ statistics, error: gone, bytes: this.#client.bytes - this.#told });
  }
}
