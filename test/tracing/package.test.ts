/** The packages that traces stand on, and that need not be installed. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository, History } from '../support/history.ts';
import { installWithout } from '../support/install-without.ts';
import { startService } from '../support/service.ts';

const main = installWithout((name) => name.startsWith('@opentelemetry/') && name !== '@opentelemetry/api');

test.each([
  ['the flag', ['--otlp-url', 'http://127.0.0.1:9'], {}],
  ['the environment', [], { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }],
])('asked for by %s, the service does not start, and says what to install', (_what, flags, environment) => {
  const own = ['--root', temporaryDirectory(), '--port', '0', '--metrics-port', '0'];
  const { status, stderr } = spawnSync(process.execPath, [main, 'serve', ...own, ...flags], {
    encoding: 'utf8',
    env: { ...process.env, PACKHORSE_CACHE_DIR: temporaryDirectory(), ...environment },
  });
  expect(stderr).toMatch(/^packhorse: .*npm install @opentelemetry\/sdk-trace-base .*\n$/);
  expect(status).toBe(1);
});

test('without traces the service does without them', async () => {
  const root = temporaryDirectory();
  const source = createRepository(root, 'project.git');
  const history = new History();
  history.commit({ branch: 'main', files: { file: 'content\n' } });
  history.importInto(source);
  const service = await startService(root, [], { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, main);
  expectSameRepository(source, await clone(service, 'project.git'));
});
