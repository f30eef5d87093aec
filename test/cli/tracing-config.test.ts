import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/cli/flags.ts';
import { readTracing } from '../../src/cli/tracing-config.ts';

const ENDPOINT = 'http://collector:4318';

describe('traces are asked for by', () => {
  test.each([
    ['http://collector:4318', 'http://collector:4318/v1/traces'],
    ['http://collector:4318/', 'http://collector:4318/v1/traces'],
    ['http://gateway/otlp', 'http://gateway/otlp/v1/traces'],
    ['http://gateway/v1/traces', 'http://gateway/v1/traces'],
  ])('the flag, whatever the environment says: %s', (given, url) => {
    expect(readTracing(given, { OTEL_TRACES_EXPORTER: 'none' })).toEqual({ url });
  });

  test.each<NodeJS.ProcessEnv>([
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ENDPOINT },
    { OTEL_TRACES_EXPORTER: 'otlp' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
  ])('the environment, which also says where: %j', (environment) => {
    expect(readTracing(undefined, environment)).toEqual({ url: undefined });
  });
});

test.each<NodeJS.ProcessEnv>([
  {},
  { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
  { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: ENDPOINT },
  { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_TRACES_EXPORTER: 'none' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: 'true' },
])('they are not by %j', (environment) => {
  expect(readTracing(undefined, environment)).toBeUndefined();
});

test('a protocol that is not spoken is said at the start', () => {
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
  expect(() => readTracing(undefined, environment)).toThrow(ConfigError);
});
