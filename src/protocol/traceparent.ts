/** `traceparent` (W3C Trace Context): the trace that a request is part of, and the span in it that caused it. */

export interface TraceContext {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** Whether its caller keeps the trace. */
  readonly isSampled: boolean;
}

/** Ids of zeros alone are none, and ff is no version. Those after 00 may say more behind it. */
const FORM = /^(?!ff|00.{54})[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:-|$)/;

/** @returns undefined where there is none, or what there is is not of that form */
export function parseTraceparent(header: string | readonly string[] | undefined): TraceContext | undefined {
  const [, traceId, spanId, flags] = (typeof header === 'string' && FORM.exec(header)) || [];
  if (!traceId || !spanId) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags!, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

/** What the environment says that a program is part of (`TRACEPARENT`); undefined where that is nothing, or no such text. */
export function traceparentOf({ TRACEPARENT }: NodeJS.ProcessEnv): string | undefined {
  const trace = parseTraceparent(TRACEPARENT);
  return trace && formatTraceparent(trace);
}
