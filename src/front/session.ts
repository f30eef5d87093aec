/** One client that asks as often as it likes on one connection; each of its commands has a record. */
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { busy, type PackhorseError } from '../errors.ts';
import type { ProtocolVersion } from '../protocol/version.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import { type Door, endRecord, type FetchRecord, fetchStarted, newRecord } from './events.ts';
import { pump } from './pump.ts';
import type { Serving } from './serving.ts';

export interface Session {
  readonly door: Door;
  /** Path of the repository below the root. */
  readonly repository: string;
  readonly version: ProtocolVersion;
  /** Address of the client; undefined where it says nothing. */
  readonly client: string | undefined;
  readonly agent: string;
  readonly stream: Duplex;
  /** Tells the client of a failure before the first byte, and ends the stream. */
  readonly refuse: (error: PackhorseError) => void;
}

export interface SessionOptions extends Serving {
  /** Aborted when clients that ask for nothing now are to be let go. */
  readonly draining: AbortSignal;
}

/** Seconds. Connections come and go at any time. */
const RETRY_AFTER = 30;

/** Resolves when the connection is over; never rejects. */
export async function runSession(session: Session, options: SessionOptions): Promise<void> {
  const records = new Records(session);
  const { stream, repository, version, client, refuse } = session;
  const refusal = options.pool.hasRoomForSessions
    ? options.admission.refusal({ repository, client })
    : busy('too many connections', RETRY_AFTER);
  if (refusal) {
    refuse(refusal);
    records.end(undefined, 0, refusal);
    return;
  }
  const target = {
    stream,
    input: stream,
    draining: options.draining,
    begin: () => {},
    refuse,
    began: () => records.begin(),
    answered: (statistics: Statistics, bytes: number) => records.end(statistics, bytes),
  };
  const task = {
    path: repository,
    gate: session.door === 'git' ? ('daemon.uploadpack' as const) : ('http.uploadpack' as const),
    work: { kind: 'converse' as const, version },
  };
  const { statistics, error, bytes } = await pump(task, target, { ...options, client });
  // A client that leaves between two commands has left nothing undone.
  if (records.open || (error && error.code !== 'PACKHORSE_CANCELLED')) records.end(statistics, bytes, error);
}

class Records {
  readonly #session: Session;
  #record: FetchRecord | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Whether a command has begun and not ended. */
  get open(): boolean {
    return this.#record !== undefined;
  }

  begin(): FetchRecord {
    const { door, repository, client = '', agent } = this.#session;
    const record = newRecord({ id: randomUUID(), door, repository, command: 'none', client, agent });
    this.#record = record;
    fetchStarted.publish(record);
    return record;
  }

  end(statistics: Statistics | undefined, bytes: number, error?: PackhorseError): void {
    const record = this.#record ?? this.begin();
    this.#record = undefined;
    record.command = statistics?.command ?? record.command;
    endRecord(record, statistics, bytes, error);
  }
}
