import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readServeConfig } from '../../src/cli/config.ts';
import { environmentName, SERVE_FLAGS } from '../../src/cli/flags.ts';
import { temporaryDirectory } from '../support/directory.ts';

const top = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => fs.readFileSync(path.join(top, file), 'utf8');
const dockerfile = read('Dockerfile');
const compose = read('docker-compose.yml');

/** What the image sets (`NAME=value`), and above it what the compose file sets (`NAME: value`). */
function environment(): Record<string, string> {
  const setting = /\b(PACKHORSE_\w+)(?:=|: *"?)([^\s"\\]*)/g;
  const code = [dockerfile, compose].map((text) => text.replace(/^\s*#.*$/gm, '')).join('\n');
  return Object.fromEntries([...code.matchAll(setting)].map(([, name, value]) => [name, value]));
}

test.each(['Dockerfile', 'docker-compose.yml', 'deploy/healthcheck.js'])(
  'every PACKHORSE_ variable in %s is that of a flag',
  (file) => {
    const named = new Set(read(file).match(/\bPACKHORSE_\w+/g));
    expect(named.size).toBeGreaterThan(0);
    expect(SERVE_FLAGS.map(environmentName)).toEqual(expect.arrayContaining([...named]));
  },
);

test('the service starts with what the image and the compose file set', () => {
  const config = readServeConfig([], { ...environment(), PACKHORSE_ROOT: temporaryDirectory() });
  expect(config).toMatchObject({ host: '0.0.0.0', metricsHost: '0.0.0.0', port: 8417, metricsPort: 9417 });
  expect(dockerfile).toContain(`EXPOSE ${config.port} ${config.metricsPort}`);
  expect(compose).toContain(`"127.0.0.1:${config.port}:${config.port}"`);
  expect(read('deploy/prometheus/prometheus.yml')).toContain(`"packhorse:${config.metricsPort}"`);
});

test('the image alone refuses to listen where others reach it', () => {
  const { PACKHORSE_INSECURE_ALLOW_ANONYMOUS: _, ...image } = environment();
  expect(() => readServeConfig([], { ...image, PACKHORSE_ROOT: temporaryDirectory() })).toThrow(
    '--insecure-allow-anonymous',
  );
});

test('every port is published on the loopback address', () => {
  const ports = [...compose.matchAll(/^ +- "?([\d.:]+):\d+"?$/gm)].map(([, published]) => published);
  expect(ports).toHaveLength(3);
  for (const published of ports) expect(published).toMatch(/^127\.0\.0\.1:\d+$/);
});

test('every image is pinned to a version', () => {
  const images = [...dockerfile.matchAll(/^FROM (\S+:\S+)/gm), ...compose.matchAll(/^ +image: (\S+)$/gm)];
  expect(images).toHaveLength(4);
  for (const [, image] of images) expect(image).toMatch(/:v?\d+\.\d+\.\d+(-[\w-]+)?$/);
});

test('the image has the Node.js that the tests run on', () => {
  const { devDependencies } = JSON.parse(read('package.json'));
  for (const [, version] of dockerfile.matchAll(/^FROM node:([\d.]+)/gm)) {
    expect(version).toBe(devDependencies.node);
  }
});

test('what is mounted from the repository is there', () => {
  const mounted = [...compose.matchAll(/^ +- (\.\/[^:]+):/gm)].map(([, file]) => file!);
  expect(mounted).toHaveLength(4);
  for (const file of mounted) expect(fs.existsSync(path.join(top, file)), file).toBe(true);
});
