/** Whether traces are asked for, and where they go: by a flag, or by the environment that OpenTelemetry has everywhere. */
import type { TracingOptions } from '../front/tracing/tracing.ts';
import { ConfigError } from './flags.ts';

/**
 * @param url value of `--otlp-url`, which comes before the environment
 * @returns undefined: nothing is traced
 * @throws ConfigError where the environment asks for what is not there
 */
export function readTracing(
  url: string | undefined,
  environment: NodeJS.ProcessEnv,
): TracingOptions | undefined {
  if (url !== undefined) return { url: tracesUrl(url) };
  const {
    OTEL_SDK_DISABLED: isDisabled,
    OTEL_TRACES_EXPORTER: exporter,
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: tracesEndpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: tracesProtocol,
  } = environment;
  if (isDisabled?.toLowerCase() === 'true') return undefined;
  // An empty variable counts as none.
  const isAsked = exporter ? exporter === 'otlp' : Boolean(tracesEndpoint || endpoint);
  if (!isAsked) return undefined;
  if ((tracesProtocol || protocol) === 'grpc') {
    throw new ConfigError(
      'OTEL_EXPORTER_OTLP_PROTOCOL is grpc, but traces go by http/json: say where with --otlp-url, or set OTEL_TRACES_EXPORTER=none',
    );
  }
  return { url: undefined };
}

/** The endpoint of a collector, or that of its traces. */
function tracesUrl(url: string): string {
  return /\/v1\/traces$/.test(url) ? url : `${url.replace(/\/$/, '')}/v1/traces`;
}
