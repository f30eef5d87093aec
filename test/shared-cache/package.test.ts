/** The package that the shared cache stands on, and that need not be installed. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { installWithout } from '../support/install-without.ts';
import { createLarge } from '../support/large.ts';
import { sharedFlags } from '../support/object-store.ts';
import { startService } from '../support/service.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');
const isMissing = (name: string) => name.startsWith('@aws-sdk/');

function serve(main: string, flags: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const args = [
    main,
    'serve',
    '--root',
    temporaryDirectory(),
    '--port',
    '0',
    '--metrics-port',
    '0',
    ...flags,
  ];
  const { AWS_REGION: _, AWS_DEFAULT_REGION: __, ...rest } = process.env;
  return spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...rest, PACKHORSE_CACHE_DIR: temporaryDirectory(), HOME: temporaryDirectory(), ...environment },
  });
}

test('configured without it, the service does not start, and says what to install', () => {
  const { status, stderr } = serve(installWithout(isMissing), sharedFlags('http://127.0.0.1:9'));
  expect(stderr).toMatch(/^packhorse: .*npm install @aws-sdk\/client-s3.*\n$/);
  expect(status).toBe(1);
});

test('without a shared cache the service does without it', async () => {
  const root = temporaryDirectory();
  const source = createLarge(root, 'large.git');
  const service = await startService(
    root,
    [],
    { PACKHORSE_CACHE_DIR: temporaryDirectory() },
    installWithout(isMissing),
  );
  expectSameRepository(source, await clone(service, 'large.git'));
});

test('a region that is known to no one is asked for at the start', () => {
  const flags = ['--shared-cache-url', 's3://bucket'];
  const { status, stderr } = serve(MAIN, flags);
  expect(stderr).toContain('--shared-cache-region');
  expect(status).toBe(1);
});
