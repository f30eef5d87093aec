/** Metrics of requests, seen when they have ended. */
import { Counter, Histogram, type Registry } from 'prom-client';
import { BITMAP_USES, FETCH_KINDS, SOURCES, type Statistics } from '../../upload-pack/statistics.ts';
import { boundedCommand, DOORS, type FetchRecord, fetchEnded, OUTCOMES } from '../events.ts';

/** Seconds; a clone may take half an hour. */
const SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];
/** Bytes: powers of 4 from 1 KiB to 16 GiB. */
const PACK_SIZES = Array.from({ length: 13 }, (_, i) => 1024 * 4 ** i);
/** `partial`: whatever is fetched with a filter, or by a client that has filtered before. */
const KINDS = [...FETCH_KINDS, 'partial'];

/**
 * Begins to listen; the function returned ends it.
 * @param hasExemplars whether durations name a trace: then the registry must speak OpenMetrics
 */
export function addFetchMetrics(registry: Registry, hasExemplars: boolean): () => void {
  const registers = [registry];
  const requests = new Counter({
    name: 'packhorse_fetch_requests_total',
    help: 'Requests answered, by door, command, kind of fetch and outcome.',
    labelNames: ['door', 'command', 'kind', 'outcome'],
    registers,
  });
  const duration = new Histogram<string>({
    name: 'packhorse_fetch_duration_seconds',
    help: 'Time from request to the last byte of its answer.',
    labelNames: ['command', 'kind'],
    buckets: SECONDS,
    registers,
    enableExemplars: hasExemplars,
  });
  const firstByte = new Histogram({
    name: 'packhorse_fetch_first_byte_seconds',
    help: 'Time from request to the first byte of its answer.',
    labelNames: ['kind'],
    buckets: SECONDS,
    registers,
  });
  const authorized = new Histogram({
    name: 'packhorse_authorize_seconds',
    help: 'Time that it took to find out whether a request over HTTP is allowed.',
    buckets: SECONDS,
    registers,
  });
  const stalled = new Counter({
    name: 'packhorse_stream_stalled_seconds_total',
    help: 'Time that workers waited for clients to take bytes.',
    registers,
  });
  const timeouts = new Counter({
    name: 'packhorse_timeouts_total',
    help: 'Clients let go: silent in their turn, slow to say what they want, or taking nothing.',
    labelNames: ['kind'],
    registers,
  });
  const observePack = addPackMetrics(registry);

  // A series that begins with its first event has no rate for it.
  for (const door of DOORS) {
    for (const outcome of OUTCOMES) {
      for (const command of ['advertise', 'ls-refs'])
        requests.inc({ door, command, kind: 'none', outcome }, 0);
      for (const kind of KINDS) requests.inc({ door, command: 'fetch', kind, outcome }, 0);
    }
  }
  for (const kind of TIMEOUT_KINDS.values()) timeouts.inc({ kind }, 0);

  const observeDuration = ({ seconds: value, trace }: FetchRecord, labels: Record<string, string>) => {
    if (!hasExemplars) return duration.observe(labels, value);
    const exemplarLabels = trace?.isSampled ? { trace_id: trace.traceId, span_id: trace.spanId } : {};
    duration.observe({ labels, value, exemplarLabels });
  };
  const observe = (published: unknown) => {
    const record = published as FetchRecord;
    const { statistics, error, outcome, door } = record;
    const command = boundedCommand(record.command);
    const kind = kindOf(statistics);
    requests.inc({ door, command, kind, outcome });
    observeDuration(record, { command, kind });
    if (record.firstByte !== undefined) firstByte.observe({ kind }, record.firstByte);
    if (record.authorized !== undefined) authorized.observe(record.authorized);
    const timeout = error && TIMEOUT_KINDS.get(error.code);
    if (timeout) timeouts.inc({ kind: timeout });
    if (!statistics) return;
    stalled.inc(statistics.phases.wait);
    observePack(statistics, outcome === 'ok');
  };
  fetchEnded.subscribe(observe);
  return () => void fetchEnded.unsubscribe(observe);
}

const TIMEOUT_KINDS: ReadonlyMap<string, string> = new Map([
  ['PACKHORSE_IDLE', 'idle'],
  ['PACKHORSE_NEGOTIATION_TIMEOUT', 'negotiation'],
  ['PACKHORSE_STALLED', 'stall'],
]);

function kindOf(statistics: Statistics | undefined): string {
  const kind = statistics?.kind ?? 'none';
  return kind !== 'none' && statistics?.filtered ? 'partial' : kind;
}

/** What packs were made of, and what of it came from where. */
function addPackMetrics(registry: Registry): (statistics: Statistics, isWhole: boolean) => void {
  const registers = [registry];
  const phase = new Histogram({
    name: 'packhorse_fetch_phase_seconds',
    help: 'Time that fetches with a pack spent in each phase; wait is for the client.',
    labelNames: ['phase'],
    buckets: SECONDS,
    registers,
  });
  const bytesSent = new Counter({
    name: 'packhorse_pack_bytes_total',
    help: 'Bytes of packs sent, by where they came from; cache: of packs that were made for others.',
    labelNames: ['source'],
    registers,
  });
  const objectsSent = new Counter({
    name: 'packhorse_pack_objects_total',
    help: 'Objects in packs sent, by where they came from; cache: of packs that were made for others.',
    labelNames: ['source'],
    registers,
  });
  const size = new Histogram({
    name: 'packhorse_pack_size_bytes',
    help: 'Size of the packs sent.',
    buckets: PACK_SIZES,
    registers,
  });
  const bitmaps = new Counter({
    name: 'packhorse_pack_bitmap_total',
    help: 'Packs sent, by whether bitmaps said which objects to send, or why not.',
    labelNames: ['use'],
    registers,
  });
  const ignored = new Counter({
    name: 'packhorse_index_ignored_total',
    help: 'Times that a damaged or stale index file was passed over, by kind.',
    labelNames: ['kind'],
    registers,
  });
  for (const source of [...SOURCES, 'cache']) {
    bytesSent.inc({ source }, 0);
    objectsSent.inc({ source }, 0);
  }
  for (const use of BITMAP_USES) bitmaps.inc({ use }, 0);
  for (const [kind] of IGNORED_KINDS) ignored.inc({ kind }, 0);

  return (statistics, isWhole) => {
    const { kind, phases, objects, bytes, bitmap, cache } = statistics;
    for (const file of statistics.ignored) ignored.inc({ kind: kindOfIgnored(file) });
    if (bitmap) bitmaps.inc({ use: bitmap });
    if (kind === 'none') return;
    for (const [name, seconds] of Object.entries(phases)) phase.observe({ phase: name }, seconds);
    for (const source of SOURCES) {
      bytesSent.inc({ source }, bytes[source]);
      objectsSent.inc({ source }, objects[source]);
    }
    // Whoever is left of those who wait for a pack has its cost; all others have but its size.
    const isMade = SOURCES.some((source) => objects[source] > 0);
    if (!isMade && (cache === 'hit' || cache === 'follow')) {
      bytesSent.inc({ source: 'cache' }, bytes.total);
      objectsSent.inc({ source: 'cache' }, objects.total);
    }
    if (isWhole) size.observe(bytes.total);
  };
}

/** By what stands in the path before the reason. */
const IGNORED_KINDS = [
  ['bitmap', /\.bitmap: /],
  ['rev', /\.rev: /],
  ['midx', /multi-pack-index/],
  ['graph', /commit-graph/],
  ['entries', /\/entries: /],
  ['other', /./],
] as const;

function kindOfIgnored(file: string): string {
  return IGNORED_KINDS.find(([, pattern]) => pattern.test(file))?.[0] ?? 'other';
}
