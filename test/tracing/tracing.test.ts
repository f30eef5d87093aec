/** Traces, as a collector gets them. */
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { scrape } from '../support/metrics.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { hasPack, requestsDuring } from '../support/request-log.ts';
import { type LogLine, type RunningService, startService } from '../support/service.ts';
import { makeSubscriber } from '../support/subscriber.ts';

/** Spans leave at once. */
const AT_ONCE = { OTEL_BSP_SCHEDULE_DELAY: '10' };
/** Clocks of two threads, in milliseconds. */
const TOLERANCE = 2;
const CALLER = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

const root = temporaryDirectory();
let collector: OtlpReceiver;
let service: RunningService;

beforeAll(async () => {
  const history = new History();
  for (let i = 0; i < 20; i++) history.commit({ branch: 'main', files: { [`file${i}`]: `content ${i}\n` } });
  history.importInto(createRepository(root, 'project.git'));
  collector = await startOtlpReceiver();
  service = await startService(root, ['--otlp-url', collector.url, '--git-port', '0'], AT_ONCE);
});

function clone(...options: string[]): Promise<LogLine[]> {
  const args = [...options, 'clone', '-q', '--bare', `${service.url}/project.git`, temporaryDirectory()];
  return requestsDuring(service, () => runGit(root, args));
}

/** The span of a request, and those below it by their names. */
async function spansOf({ trace }: LogLine) {
  const span = await collector.received(({ spanId }) => spanId === trace!.spanId);
  const below = collector.spans.filter(({ parentSpanId }) => parentSpanId === span.spanId);
  return { span, below: new Map(below.map((child) => [child.name, child])) };
}

test('a clone is a span for each request, with one for each phase that its worker has measured', async () => {
  const lines = await clone();
  const found = await Promise.all(lines.map(spansOf));
  expect(found.map(({ span }) => span.name)).toEqual(['git.advertise', 'git.ls_refs', 'git.fetch']);
  const { span, below } = found[2];
  const { statistics, bytes, id } = lines[2];
  expect(span).toMatchObject({ kind: 2, events: ['first byte'] });
  expect(span.resource).toMatchObject({ 'service.name': 'packhorse', 'service.version': expect.any(String) });
  expect(span.attributes).toMatchObject({
    'packhorse.request_id': id,
    'packhorse.repository': 'project.git',
    'packhorse.door': 'http',
    'packhorse.authorized': expect.any(Number),
    'packhorse.protocol_version': 2,
    'packhorse.kind': 'clone',
    'packhorse.outcome': 'ok',
    'packhorse.bytes': bytes,
    'packhorse.pack.objects': statistics.objects.total,
    'packhorse.pack.bytes': statistics.bytes.total,
    'packhorse.cache': 'miss',
    'http.response.status_code': 200,
  });
  expect([...below.keys()]).toEqual(expect.arrayContaining(['negotiate', 'count', 'entries', 'bytes']));
  for (const [name, child] of below) {
    expect(child.traceId).toBe(span.traceId);
    expect(child.start).toBeGreaterThanOrEqual(span.start - TOLERANCE);
    expect(child.end).toBeLessThanOrEqual(span.end + TOLERANCE);
    expect(child.attributes['packhorse.phase_seconds']).toBe(
      statistics.phases[name as keyof typeof statistics.phases],
    );
  }
  const starts = ['negotiate', 'count', 'entries', 'bytes'].map((name) => below.get(name)!.start);
  expect(starts).toEqual([...starts].sort((a, b) => a - b));
});

test('a span is part of the trace that its caller names, and the log says so', async () => {
  const header = `http.extraHeader=traceparent: 00-${CALLER.traceId}-${CALLER.spanId}-01`;
  const lines = await clone('-c', header);
  for (const line of lines) {
    expect(line.trace).toMatchObject({ traceId: CALLER.traceId, isSampled: true });
    const { span } = await spansOf(line);
    expect(span).toMatchObject({ traceId: CALLER.traceId, parentSpanId: CALLER.spanId });
  }
});

test('a trace that begins before the bridge goes on behind it', async () => {
  const program = `${process.execPath} ${buildExecutable()} upload-pack --server ${service.url} project.git`;
  const options = ['-c', 'protocol.version=2', 'clone', '-q', '--bare', `--upload-pack=sh -c '${program}'`];
  const source = `file://${root}/project.git`;
  const cloneWith = (TRACEPARENT: string) =>
    requestsDuring(service, () => runGit(root, [...options, source, temporaryDirectory()], { TRACEPARENT }));
  const lines = await cloneWith(`00-${CALLER.traceId}-${CALLER.spanId}-01`);
  expect(lines.map(({ door }) => door)).toContain('ssh');
  for (const line of lines) {
    expect(line.trace).toMatchObject({ traceId: CALLER.traceId });
    expect((await spansOf(line)).span).toMatchObject({ parentSpanId: CALLER.spanId });
  }
  const [{ trace }] = await cloneWith('00-0000-nonsense\r\nX-Evil: yes');
  expect(trace!.traceId).not.toBe(CALLER.traceId);
});

test('packhorse upload-pack tells of the trace that it is part of', async () => {
  const subscriber = makeSubscriber();
  const TRACEPARENT = `00-${CALLER.traceId}-${CALLER.spanId}-01`;
  const program = `${process.execPath} ${buildExecutable()} upload-pack`;
  const args = ['ls-remote', '-q', `--upload-pack=${program}`, `file://${root}/project.git`];
  expect(await runGit(root, args, { ...subscriber.environment, TRACEPARENT })).toMatchObject({ code: 0 });
  const told = subscriber.heard('command:ended').map(({ message }) => message.traceparent);
  expect(new Set(told)).toEqual(new Set([TRACEPARENT]));
});

test('a trace that its caller does not keep is not kept here', async () => {
  const traceId = CALLER.traceId.replace('4', '5');
  const lines = await clone('-c', `http.extraHeader=traceparent: 00-${traceId}-${CALLER.spanId}-00`);
  expect(lines[0].trace).toMatchObject({ traceId, isSampled: false });
  await spansOf((await clone())[2]);
  expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([]);
});

test('what is no trace is none, and begins one', async () => {
  const [line] = await clone('-c', 'http.extraHeader=traceparent: 00-0000-nonsense');
  const { span } = await spansOf(line);
  expect(span.parentSpanId ?? '').toBe('');
});

test('a worker is told of the span that it works for', async () => {
  const subscriber = makeSubscriber();
  const flags = ['--otlp-url', collector.url];
  const heard = await startService(root, flags, { ...AT_ONCE, ...subscriber.environment });
  await requestsDuring(
    heard,
    () => runGit(root, ['ls-remote', `${heard.url}/project.git`]),
    ({ command }) => command === 'ls-refs',
  );
  const [, { trace }] = heard.log.filter(({ outcome }) => outcome !== undefined);
  const [, { message }] = subscriber.heard('command:ended');
  expect(message.traceparent).toBe(`00-${trace!.traceId}-${trace!.spanId}-01`);
});

test('each command of a connection is a span', async () => {
  const { git } = await service.logged(({ msg }) => msg === 'listening');
  const args = [
    '-c',
    'protocol.version=2',
    'clone',
    '-q',
    '--bare',
    `${git}/project.git`,
    temporaryDirectory(),
  ];
  const lines = await requestsDuring(service, () => runGit(root, args));
  const found = await Promise.all(lines.map(spansOf));
  expect(found.map(({ span }) => span.name)).toEqual(['git.advertise', 'git.ls_refs', 'git.fetch']);
  expect([...found[2].below.keys()]).toContain('negotiate');
});

test('what a client may not have has no pack, and is no error of the service', async () => {
  const [line] = await requestsDuring(
    service,
    () => runGit(root, ['ls-remote', `${service.url}/nowhere.git`]),
    ({ repository }) => repository === 'nowhere.git',
  );
  const { span } = await spansOf(line);
  expect(span.attributes).toMatchObject({
    'error.type': 'PACKHORSE_REPOSITORY_NOT_FOUND',
    'packhorse.outcome': 'rejected',
    'http.response.status_code': 404,
  });
  expect(span.status.code ?? 0).toBe(0);
});

test('durations name the trace of a fetch that was slow', async () => {
  const [line] = (await clone()).filter(hasPack);
  const response = await fetch(`${service.metricsUrl}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^application\/openmetrics-text/);
  const text = await response.text();
  expect(text).toMatch(/\n# EOF\n$/);
  const { traceId, spanId } = line.trace!;
  const exemplar = text
    .split('\n')
    .find((each) => each.startsWith('packhorse_fetch_duration_seconds_bucket') && each.includes(spanId));
  expect(exemplar).toMatch(
    new RegExp(
      `command="fetch",kind="clone"\\} \\d+ # \\{trace_id="${traceId}",span_id="${spanId}"\\} [\\d.e-]+ [\\d.]+$`,
    ),
  );
});

describe('without --otlp-url', () => {
  test('nothing is traced, and metrics are in the plain format', async () => {
    const quiet = await startService(root);
    await requestsDuring(quiet, () =>
      runGit(root, ['clone', '-q', '--bare', `${quiet.url}/project.git`, temporaryDirectory()]),
    );
    expect(quiet.log.filter(hasPack)[0].trace).toBeUndefined();
    expect(await scrape(quiet)).not.toContain('# EOF');
  });

  test('the environment of OpenTelemetry says where traces go, and what of', async () => {
    const other = await startOtlpReceiver();
    const asked = await startService(root, [], {
      ...AT_ONCE,
      OTEL_EXPORTER_OTLP_ENDPOINT: `${other.url}/prefix`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=horses',
      OTEL_SERVICE_NAME: 'stable',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
    });
    await requestsDuring(
      asked,
      () => runGit(root, ['ls-remote', `${asked.url}/project.git`]),
      ({ command }) => command === 'ls-refs',
    );
    const span = await other.received(({ name }) => name === 'git.ls_refs');
    expect(span.resource).toMatchObject({ 'service.name': 'stable', 'deployment.environment': 'test' });
    expect(other.requests[0]).toMatchObject({
      path: '/prefix/v1/traces',
      headers: { 'content-type': 'application/json', 'x-tenant': 'horses' },
    });
  });
});

test('what was not sent yet is sent when the service stops', async () => {
  const late = await startOtlpReceiver();
  const slow = await startService(root, ['--otlp-url', late.url], { OTEL_BSP_SCHEDULE_DELAY: '600000' });
  await requestsDuring(
    slow,
    () => runGit(root, ['ls-remote', `${slow.url}/project.git`]),
    ({ command }) => command === 'ls-refs',
  );
  expect(late.spans).toEqual([]);
  expect(await slow.stop()).toBe(0);
  expect(late.spans.map(({ name }) => name)).toContain('git.ls_refs');
});

test('a collector that is not there is said once, and holds up nothing', async () => {
  const alone = await startService(root, ['--otlp-url', 'http://127.0.0.1:9'], {
    ...AT_ONCE,
    OTEL_EXPORTER_OTLP_TIMEOUT: '100',
  });
  const list = () => runGit(root, ['ls-remote', `${alone.url}/project.git`]);
  expect((await list()).code).toBe(0);
  await alone.logged(({ msg }) => msg === 'traces do not arrive');
  expect((await list()).code).toBe(0);
  expect(await alone.stop()).toBe(0);
  expect(alone.log.filter(({ msg }) => msg === 'traces do not arrive')).toHaveLength(1);
});
