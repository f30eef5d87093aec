/** One client that asks as often as it likes on one connection; each of its commands has a record. */
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { busy, type PackhorseError } from '../errors.ts';
import { formatTraceparent, type TraceContext } from '../protocol/traceparent.ts';
import type { ProtocolVersion } from '../protocol/version.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import type { Party } from './admission/party.ts';
import { clientName } from './auth/access.ts';
import { ClientTurn } from './client-turn.ts';
import { EarlyEnd, type TimedStream } from './early-end.ts';
import { type Door, endRecord, type FetchRecord, fetchAnswered, fetchStarted, newRecord } from './events.ts';
import type { LiveAnswer } from './live-answer.ts';
import { pump } from './pump.ts';
import type { Serving } from './serving.ts';

export interface Session {
  readonly door: Door;
  /** Path of the repository below the root. */
  readonly repository: string;
  readonly version: ProtocolVersion;
  /** Address of the client; undefined where it says nothing. */
  readonly client: string | undefined;
  /** What it says this is part of. */
  readonly trace?: TraceContext | undefined;
  /** Who asks, where authorization says so: limits go by this before the address. */
  readonly subject: string | undefined;
  /** Asks again whether it may still have the repository; rejects with a PackhorseError where not. */
  readonly permit?: () => Promise<void>;
  /** Where the connection comes from, for its records. */
  readonly address: string;
  readonly agent: string;
  readonly stream: Duplex & TimedStream;
  /** Tells the client of a failure before the first byte, and ends the stream. */
  readonly refuse: (error: PackhorseError) => void;
}

/** Seconds. Connections come and go at any time. */
const RETRY_AFTER = 30;

/** Resolves when the connection is over; never rejects. */
export async function runSession(session: Session, options: Serving): Promise<void> {
  const records = new Records(session);
  const { stream, repository, version, permit, refuse } = session;
  const client = clientName(session.subject, session.client);
  const refusal = refusalOf({ repository, client }, options);
  if (refusal) {
    refuse(refusal);
    records.end(undefined, 0, refusal);
    return;
  }
  const end = new EarlyEnd(stream, options);
  const turn = new ClientTurn(stream, { ...options, permit }, (reason) => end.because(reason));
  const target = {
    stream,
    input: stream,
    turn,
    signal: end.signal,
    begin: () => {},
    refuse,
    watched: (live: LiveAnswer) => records.watch(live),
    began: () => {
      records.begin();
      return turn.began();
    },
    answered: (statistics: Statistics, bytes: number) => records.end(statistics, bytes),
  };
  const task = {
    path: repository,
    gate: session.door === 'git' ? ('daemon.uploadpack' as const) : ('http.uploadpack' as const),
    work: { kind: 'converse' as const, version },
    traceparent: session.trace && formatTraceparent(session.trace),
  };
  const { statistics, error, bytes } = await pump(task, target, { ...options, client });
  end.close();
  turn.stop();
  // A client that leaves, or is let go, between two commands has left nothing undone.
  const isQuiet = ['PACKHORSE_CANCELLED', 'PACKHORSE_DRAINING'].includes(error?.code ?? '');
  if (records.open || (error && !isQuiet)) records.end(statistics, bytes, error);
}

/** Publishes that a session was refused before it began. */
export function recordRefusal(session: Session, error: PackhorseError): void {
  new Records(session).end(undefined, 0, error);
}

/** Why a client should not even begin; undefined when it may. */
function refusalOf(party: Party, serving: Serving): PackhorseError | undefined {
  const { pool, admission, drain } = serving;
  if (drain.closing.aborted) return drain.closing.reason as PackhorseError;
  if (!pool.hasRoomForSessions) return busy('too many connections', RETRY_AFTER);
  return admission.refusal(party);
}

class Records {
  readonly #session: Session;
  #record: FetchRecord | undefined;
  #live: LiveAnswer | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Whether a command has begun and not ended. */
  get open(): boolean {
    return this.#record !== undefined;
  }

  /** What can be seen of the answers of this connection. */
  watch(live: LiveAnswer): void {
    this.#live = live;
  }

  begin(): FetchRecord {
    const { door, repository, version, address: client, agent, trace } = this.#session;
    const known = { door, repository, version, client, agent, trace };
    const record = newRecord({ ...known, id: randomUUID(), command: 'none' });
    record.subject = this.#session.subject;
    this.#record = record;
    fetchStarted.publish(record);
    if (this.#live) fetchAnswered.publish({ record, live: this.#live });
    return record;
  }

  end(statistics: Statistics | undefined, bytes: number, error?: PackhorseError): void {
    const record = this.#record ?? this.begin();
    this.#record = undefined;
    record.command = statistics?.command ?? record.command;
    endRecord(record, statistics, bytes, error);
  }
}
