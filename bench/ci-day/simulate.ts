/** A day's requests, answered by a stream cache as the service has it, without a byte: what is hit, followed and built. */
import { type StreamKind, StreamPolicy } from '../../src/store/streams/stream-policy.ts';
import type { TraceEvent } from './trace.ts';

export interface Rules {
  readonly budget: number;
  readonly minUses: number;
  readonly retention?: Partial<Record<StreamKind, number>>;
}

export interface Amount {
  requests: number;
  bytes: number;
}

export interface Outcome {
  /** Answered by a file. */
  readonly hit: Amount;
  /** Answered by the file of a build that was going on. */
  readonly follow: Amount;
  /** Built. */
  readonly miss: Amount;
  /** Built into a file. */
  readonly written: Amount;
  /** The most bytes of complete files that there were. */
  readonly peak: number;
}

interface Build {
  readonly event: TraceEvent;
  readonly end: number;
}

export function simulate(events: readonly TraceEvent[], rules: Rules): Outcome {
  let clock = 0;
  const policy = new StreamPolicy({ ...rules, now: () => clock });
  const stored = new Set<string>();
  /** Those that go into a file. */
  const builds = new Map<string, Build>();
  const outcome = { hit: nothing(), follow: nothing(), miss: nothing(), written: nothing(), peak: 0 };
  const evict = () => {
    for (const { key } of policy.leaving()) {
      policy.removed(key);
      stored.delete(key);
    }
  };
  const finishUntil = (time: number) => {
    const finished = [...builds.values()].filter(({ end }) => end <= time).sort((a, b) => a.end - b.end);
    for (const { event, end } of finished) {
      clock = end;
      builds.delete(event.key);
      stored.add(event.key);
      policy.added({ key: event.key, kind: event.kind, bytes: event.bytes, created: event.time });
      evict();
      outcome.peak = Math.max(outcome.peak, policy.bytes);
    }
    clock = time;
  };
  for (const event of events) {
    finishUntil(event.time);
    evict();
    const { key } = event;
    const isKept = policy.asked(key);
    if (stored.has(key)) {
      policy.used(key);
      count(outcome.hit, event);
    } else if (builds.has(key)) count(outcome.follow, event);
    else {
      count(outcome.miss, event);
      if (!isKept) continue;
      count(outcome.written, event);
      builds.set(key, { event, end: event.time + event.duration });
    }
  }
  return outcome;
}

function nothing(): Amount {
  return { requests: 0, bytes: 0 };
}

function count(amount: Amount, { bytes }: TraceEvent): void {
  amount.requests++;
  amount.bytes += bytes;
}
