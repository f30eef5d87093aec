/**
 * What the front publishes, on channels of `node:diagnostics_channel` (docs/observability.md). Metrics, logs, traces and
 * whoever else wants to know subscribe; the front itself does nothing with it.
 */
import { channel } from 'node:diagnostics_channel';
import type { Loss, PackhorseError } from '../errors.ts';
import type { TraceContext } from '../protocol/traceparent.ts';
import type { ProtocolVersion } from '../protocol/version.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import type { LaneName } from './admission/lane.ts';
import type { LiveAnswer } from './live-answer.ts';
import { clientText } from './plain-text.ts';

/** `rejected`: the client asked for what it may not have; `limited`: too much was asked; `error`: the service failed. */
export const OUTCOMES = ['ok', 'client_aborted', 'rejected', 'limited', 'error'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** How a client came: `ssh` stands for a connection that was handed on by an SSH daemon. */
export const DOORS = ['http', 'git', 'ssh'] as const;
export type Door = (typeof DOORS)[number];

const COMMANDS = ['advertise', 'ls-refs', 'fetch', 'object-info', 'bundle-uri', 'bundle', 'file', 'none'];

/** A command as it may be part of a name: what a client calls its own is `invalid`. */
export function boundedCommand(command: string): string {
  return COMMANDS.includes(command) ? command : 'invalid';
}

/** One request from its first byte to its last. */
export interface FetchRecord {
  readonly id: string;
  readonly door: Door;
  /** Where it lies below the root, once that is known; until then what the client asked for. Whole, as work goes by it. */
  repository: string;
  /** Who asks, as authorization knows them; undefined where it does not say. */
  subject: string | undefined;
  command: string;
  /** Of the protocol; undefined where a file is asked for. */
  readonly version: ProtocolVersion | undefined;
  /** Address and agent of the client. */
  readonly client: string;
  readonly agent: string;
  /** What this is part of: the span of its caller, or, where it is traced, its own. */
  trace: TraceContext | undefined;
  /** Milliseconds on the process's clock. */
  readonly started: number;
  /** Seconds that its authorization took; undefined until then, and for requests on a connection that is handed on. */
  authorized: number | undefined;
  /** Seconds until the first byte of the response; undefined when there was none. */
  firstByte: number | undefined;
  seconds: number;
  /** Bytes written, framing included. */
  bytes: number;
  /** Of HTTP; 0 where there is none. */
  status: number;
  outcome: Outcome;
  statistics: Statistics | undefined;
  error: PackhorseError | undefined;
}

/** The record of a request that begins now. */
export function newRecord(
  known: Pick<
    FetchRecord,
    'id' | 'door' | 'repository' | 'command' | 'version' | 'client' | 'agent' | 'trace'
  >,
): FetchRecord {
  return {
    ...known,
    agent: clientText(known.agent),
    subject: undefined,
    started: performance.now(),
    authorized: undefined,
    firstByte: undefined,
    seconds: 0,
    bytes: 0,
    status: 0,
    outcome: 'ok',
    statistics: undefined,
    error: undefined,
  };
}

/** Completes a record, and publishes it. */
export function endRecord(
  record: FetchRecord,
  statistics: Statistics | undefined,
  bytes: number,
  error: PackhorseError | undefined,
): void {
  record.seconds = (performance.now() - record.started) / 1000;
  record.bytes = bytes;
  record.statistics = statistics;
  record.error = error;
  record.outcome = outcomeOf(error);
  fetchEnded.publish(record);
}

/** A fetch in flight, with what can be seen of its answer. */
export interface AnsweredFetch {
  readonly record: FetchRecord;
  readonly live: LiveAnswer;
}

/** A bundle that was made: of everything, or of what has come since the one before. */
export interface BuiltBundle {
  readonly repository: string;
  readonly kind: 'full' | 'incremental';
  readonly seconds: number;
  readonly objects: number;
  /** Of its pack. */
  readonly bytes: number;
}

/** `mark`: already at the door, as the queue is so long that a request to come would be turned away. */
export const REFUSALS = ['queue_full', 'queue_timeout', 'mark'] as const;
export type Refusal = (typeof REFUSALS)[number];

/** A request that was let into a lane, or turned away. */
export interface Admitted {
  readonly lane: LaneName;
  /** Waited for a place. */
  readonly seconds: number;
}
export interface Refused {
  readonly lane: LaneName;
  readonly reason: Refusal;
}

/** What is known of a worker that is gone. */
export interface WorkerLoss {
  readonly reason: Loss;
  /** What it died of; undefined where it was given up. */
  readonly error: Error | undefined;
  /** Repositories that it had tasks for. */
  readonly repositories: readonly string[];
  /** Whether it had loaded its code. */
  readonly wasReady: boolean;
}

/** Published with a {@link FetchRecord} whose end is still open. */
export const fetchStarted = channel('packhorse:fetch:started');
/** Published with a complete {@link FetchRecord}. */
export const fetchEnded = channel('packhorse:fetch:ended');
/** Published with an {@link AnsweredFetch}, when there is something to be seen of the answer to a fetch that has started. */
export const fetchAnswered = channel('packhorse:fetch:answered');
/** Published with a {@link BuiltBundle}. */
export const bundleBuilt = channel('packhorse:bundle:built');
/** Published with an {@link Admitted}. */
export const admissionGranted = channel('packhorse:admission:granted');
/** Published with a {@link Refused}. */
export const admissionRefused = channel('packhorse:admission:refused');
/** Published with a {@link WorkerLoss}. */
export const workerLost = channel('packhorse:worker:lost');

/** Errors of a client that is not there any more, or seems not to be. */
const ABORTS = ['PACKHORSE_CANCELLED', 'PACKHORSE_HUNG_UP', 'PACKHORSE_IDLE', 'PACKHORSE_STALLED'];

/** Errors of ours, although it may be tried again. */
const FAILURES = ['PACKHORSE_WORKER_LOST', 'PACKHORSE_AUTHORIZATION_UNAVAILABLE'];

/** Errors for which the client, not the service, is the cause. */
const REJECTIONS = [
  'PACKHORSE_UNAUTHENTICATED',
  'PACKHORSE_NOT_ALLOWED',
  'PACKHORSE_REPOSITORY_NOT_FOUND',
  'PACKHORSE_SERVICE_DISABLED',
  'PACKHORSE_FILE_NOT_FOUND',
  'PACKHORSE_FILTER_UNREADABLE',
  'PACKHORSE_NOT_OUR_REF',
  'PACKHORSE_PROTOCOL',
  'PACKHORSE_REQUEST_TOO_LARGE',
  'PACKHORSE_REQUEST_ENCODING',
  'PACKHORSE_NEGOTIATION_TIMEOUT',
];

export function outcomeOf(error: PackhorseError | undefined): Outcome {
  if (!error) return 'ok';
  if (ABORTS.includes(error.code)) return 'client_aborted';
  if (FAILURES.includes(error.code)) return 'error';
  if (error.retryAfter !== undefined || error.code === 'PACKHORSE_DRAINING') return 'limited';
  return REJECTIONS.includes(error.code) ? 'rejected' : 'error';
}
