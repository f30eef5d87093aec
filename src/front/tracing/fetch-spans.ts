/** Spans of requests: one each, and below it one for each phase that its worker has measured. */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { TraceContext } from '../../protocol/traceparent.ts';
import type { Phases } from '../../upload-pack/statistics.ts';
import { boundedCommand, type FetchRecord, fetchEnded, fetchStarted } from '../events.ts';
import { clientText } from '../plain-text.ts';
import { redact } from '../redact.ts';

/** Begins to trace; the function returned ends it. */
export function traceFetches(tracer: Tracer): () => void {
  const open = new Map<FetchRecord, { readonly span: Span; readonly start: number }>();
  const begin = (published: unknown) => {
    const record = published as FetchRecord;
    const start = Date.now();
    const options = { kind: SpanKind.SERVER, startTime: start };
    const span = tracer.startSpan(nameOf(record), options, contextOf(record.trace));
    const { traceId, spanId, traceFlags } = span.spanContext();
    // From here on it is what the request is part of: in its worker, its log line, its exemplar.
    record.trace = { traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 };
    if (span.isRecording()) open.set(record, { span, start });
  };
  const end = (published: unknown) => {
    const record = published as FetchRecord;
    const { span, start } = open.get(record) ?? {};
    if (!span || start === undefined) return;
    open.delete(record);
    span.updateName(nameOf(record));
    span.setAttributes(attributesOf(record));
    addPhases(tracer, trace.setSpan(ROOT_CONTEXT, span), record);
    if (record.firstByte !== undefined) span.addEvent('first byte', start + record.firstByte * 1000);
    if (record.outcome === 'error') {
      span.setStatus({ code: SpanStatusCode.ERROR, message: redact(record.error?.message ?? '') });
    }
    span.end(start + record.seconds * 1000);
  };
  fetchStarted.subscribe(begin);
  fetchEnded.subscribe(end);
  return () => {
    fetchStarted.unsubscribe(begin);
    fetchEnded.unsubscribe(end);
  };
}

function addPhases(tracer: Tracer, parent: Context, { statistics }: FetchRecord): void {
  if (!statistics) return;
  for (const [phase, { start, end }] of Object.entries(statistics.spans)) {
    // Phases take turns, so what each has taken is less than from its beginning to its end.
    const attributes = { 'packhorse.phase_seconds': statistics.phases[phase as keyof Phases] };
    tracer.startSpan(phase, { startTime: start, attributes }, parent).end(end);
  }
}

/** The command is not known when a request begins. */
function nameOf({ command }: FetchRecord): string {
  return `git.${boundedCommand(command).replaceAll('-', '_')}`;
}

function contextOf(caller: TraceContext | undefined): Context {
  if (!caller) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled } = caller;
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function attributesOf(record: FetchRecord): Attributes {
  const { id, door, version, repository, subject, client, agent, status, bytes, outcome } = record;
  return {
    'client.address': client,
    'user_agent.original': agent,
    'packhorse.request_id': id,
    'packhorse.door': door,
    'packhorse.repository': clientText(repository),
    'packhorse.outcome': outcome,
    'packhorse.bytes': bytes,
    ...(record.authorized !== undefined && { 'packhorse.authorized': record.authorized }),
    ...(version !== undefined && { 'packhorse.protocol_version': version }),
    ...(subject !== undefined && { 'enduser.id': subject }),
    ...(status !== 0 && { 'http.response.status_code': status }),
    ...(record.error && { 'error.type': record.error.code }),
    ...packAttributesOf(record),
  };
}

function packAttributesOf({ statistics }: FetchRecord): Attributes {
  if (!statistics) return {};
  const { kind, wants, haves, objects, bytes, cache, bitmap } = statistics;
  if (kind === 'none') return {};
  return {
    'packhorse.kind': kind,
    'packhorse.wants': wants,
    'packhorse.haves': haves,
    'packhorse.pack.objects': objects.total,
    'packhorse.pack.bytes': bytes.total,
    ...(cache && { 'packhorse.cache': cache }),
    ...(bitmap && { 'packhorse.bitmap': bitmap }),
  };
}
