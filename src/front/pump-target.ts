/** What a door is to the pump: a client to write to, and what the door has to hear of meanwhile. */
import type { Readable, Writable } from 'node:stream';
import type { SentFile } from '../channel/messages.ts';
import type { PackhorseError } from '../errors.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import type { ClientTurn } from './client-turn.ts';
import type { LiveAnswer } from './live-answer.ts';

export interface PumpTarget {
  readonly stream: Writable;
  /** Where the client speaks from, when it does so for as long as it listens. */
  readonly input?: Readable;
  /** Called once, before the first byte: the door writes its head. */
  begin(): void;
  /** Called before `begin` where a file is sent. */
  file?(file: SentFile): void;
  /** Called instead of `begin` when the task failed before the first byte: the door answers as it does for errors. */
  refuse(error: PackhorseError): void;
  /** Called when the worker has read the request, and keeps nothing of it. */
  read?(): void;
  /** Where client and worker take turns: told whose it is. */
  readonly turn?: ClientTurn;
  /** Aborted when the work is to end before its time, with the PackhorseError that its client is to be told. */
  readonly signal: AbortSignal;
  /** Called at first, with what can be seen of the answer from then on. */
  watched?(live: LiveAnswer): void;
  /**
   * Called when one of several commands on a connection begins.
   * @returns where that has to be found out first: whether it may; where not, `signal` is aborted
   */
  began?(): Promise<boolean> | undefined;
  /** Called when it has been answered, with the bytes written since the last one was. */
  answered?(statistics: Statistics, bytes: number): void;
}
