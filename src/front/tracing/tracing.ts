/** Traces by OpenTelemetry: its SDK is an optional package, which is loaded only here. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { VERSION } from '../../version.ts';
import { traceFetches } from './fetch-spans.ts';

export interface TracingOptions {
  /** Where spans go, by OTLP over HTTP in JSON; undefined: where the environment of OpenTelemetry says. */
  readonly url: string | undefined;
}

/** Milliseconds that spans have to leave at the end. */
const LAST_SPANS = 3000;
/** Milliseconds between two lines about spans that do not arrive. */
const BETWEEN_WARNINGS = 60_000;

/**
 * Begins to trace; the function returned ends it.
 * @throws Error that says which packages to install
 */
export async function startTracing({ url }: TracingOptions, logger: Logger): Promise<() => Promise<void>> {
  const { BasicTracerProvider, BatchSpanProcessor, OTLPTraceExporter, resources } = await loadSdk();
  const { resourceFromAttributes, detectResources, envDetector, hostDetector } = resources;
  warnOfFailures(logger);
  const own = resourceFromAttributes({ 'service.name': 'packhorse', 'service.version': VERSION });
  const exporter = new OTLPTraceExporter(url === undefined ? {} : { url });
  // Samplers, limits and intervals come from the environment.
  const provider = new BasicTracerProvider({
    resource: own.merge(detectResources({ detectors: [hostDetector, envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const stop = traceFetches(provider.getTracer('packhorse', VERSION));
  return async () => {
    stop();
    const late = sleep(LAST_SPANS, undefined, { ref: false });
    await Promise.race([provider.shutdown().catch(() => {}), late]);
  };
}

function warnOfFailures(logger: Logger): void {
  let next = 0;
  const warn = (message: string) => {
    const now = performance.now();
    if (now < next) return;
    next = now + BETWEEN_WARNINGS;
    logger.warn({ reason: message }, 'traces do not arrive');
  };
  const nothing = () => {};
  const loggers = { error: warn, warn, info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(loggers, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

async function loadSdk() {
  try {
    const [{ BasicTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, resources] = await Promise.all(
      [
        import('@opentelemetry/sdk-trace-base'),
        import('@opentelemetry/exporter-trace-otlp-http'),
        import('@opentelemetry/resources'),
      ],
    );
    return { BasicTracerProvider, BatchSpanProcessor, OTLPTraceExporter, resources };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      'traces need packages that are not installed: npm install @opentelemetry/sdk-trace-base @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources, or leave out --otlp-url and OTEL_EXPORTER_OTLP_ENDPOINT',
    );
  }
}
