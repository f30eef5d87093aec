/** The compose file and the image, as `docker-compose config` reads them. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readServeConfig } from '../../src/cli/config.ts';
import { environmentName, SERVE_FLAGS } from '../../src/cli/flags.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { readCompose } from './read-compose.ts';

const top = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => fs.readFileSync(path.join(top, file), 'utf8');
const dockerfile = read('Dockerfile');

const { services } = readCompose({ GRAFANA_ADMIN_PASSWORD: 'own' });
const { packhorse, nginx } = services;

/** What the image sets, and above it what the compose file sets. */
function environment(): Record<string, string> {
  const code = dockerfile.replace(/^\s*#.*$/gm, '');
  const image = [...code.matchAll(/\b(PACKHORSE_\w+)=([^\s\\]*)/g)].map(([, name, value]) => [name, value]);
  return { ...Object.fromEntries(image), ...packhorse.environment };
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
  expect(nginx.command).toEqual(['sh', '/etc/packhorse-nginx/run.sh', 'packhorse', String(config.port)]);
});

test('the image alone refuses to listen where others reach it', () => {
  const { PACKHORSE_INSECURE_ALLOW_ANONYMOUS: _, ...image } = environment();
  expect(() => readServeConfig([], { ...image, PACKHORSE_ROOT: temporaryDirectory() })).toThrow(
    '--insecure-allow-anonymous',
  );
});

test('memory that is given back goes back to the system, in every container', () => {
  expect(dockerfile).toMatch(/^ENV (?:.*\\\n)* +MALLOC_MMAP_THRESHOLD_=131072 /m);
  expect(environment()).not.toHaveProperty('MALLOC_MMAP_THRESHOLD_');
});

test('there are two replicas, each with a cache of its own, over the same repositories that none may write to', () => {
  expect(packhorse.deploy).toEqual({ replicas: 2 });
  const volumes = packhorse.volumes!.map((volume) => (typeof volume === 'string' ? volume : { ...volume }));
  expect(volumes).toContainEqual(expect.objectContaining({ target: '/srv/git', read_only: true }));
  // Without a name, so not shared.
  for (const target of ['/tmp', '/var/cache/packhorse'])
    expect(volumes).toContainEqual({ target, type: 'volume' });
});

test('Prometheus asks every replica', () => {
  const [{ dns_sd_configs: found }] = parse(read('deploy/prometheus/prometheus.yml')).scrape_configs;
  expect(found).toEqual([expect.objectContaining({ names: ['packhorse'], type: 'A', port: 9417 })]);
});

test('a clone has time to end before its container does', () => {
  const { drainDelay, drainTimeout } = readServeConfig([], { PACKHORSE_ROOT: temporaryDirectory() });
  for (const { stop_grace_period: grace } of [packhorse, nginx]) {
    expect(grace).toMatch(/^\d+m$/);
    expect(60 * Number.parseInt(grace!, 10)).toBeGreaterThan((drainDelay + drainTimeout) / 1000);
  }
});

test('what leads outside is the proxy, status pages, Prometheus and Grafana, on the loopback address', () => {
  const ports = Object.values(services).flatMap((service) => service.ports ?? []);
  expect(ports.sort()).toEqual([
    '127.0.0.1:3000:3000/tcp',
    '127.0.0.1:8417:8417/tcp',
    '127.0.0.1:9090:9090/tcp',
    '127.0.0.1:9417-9426:9417/tcp',
  ]);
});

test('who a client is says nginx, which alone is with the replicas where they believe it', () => {
  for (const PROXY_SUBNET of [undefined, '10.1.2.0/24']) {
    const project = readCompose({ GRAFANA_ADMIN_PASSWORD: 'own', PROXY_SUBNET });
    const trusted = project.services.packhorse.environment!.PACKHORSE_TRUSTED_PROXIES;
    expect(project.networks.proxy!.ipam!.config).toEqual([{ subnet: trusted }]);
    if (PROXY_SUBNET) expect(trusted).toBe(PROXY_SUBNET);
    const networks = Object.entries(project.services).map(([name, service]) => [
      name,
      Object.keys(service.networks!),
    ]);
    expect(Object.fromEntries(networks)).toEqual({
      packhorse: ['monitoring', 'proxy'],
      nginx: ['proxy'],
      prometheus: ['monitoring'],
      grafana: ['monitoring'],
    });
  }
});

test('with tokens the service asks for them', () => {
  const files = ['docker-compose.yml', 'deploy/compose.tokens.yml'];
  const { volumes, environment: over } = readCompose(
    { GRAFANA_ADMIN_PASSWORD: 'own', TOKENS: '/own/secrets' },
    files,
  ).services.packhorse!;
  // The directory: a mounted file would not be seen to be replaced.
  const target = path.dirname(over!.PACKHORSE_TOKEN_FILE!);
  const bound = { type: 'bind', source: '/own/secrets', target, read_only: true };
  expect(volumes).toContainEqual(bound);
  const file = path.join(temporaryDirectory(), 'tokens');
  fs.writeFileSync(file, '');
  const set = { ...environment(), ...over, PACKHORSE_ROOT: temporaryDirectory(), PACKHORSE_TOKEN_FILE: file };
  expect(readServeConfig([], set)).toMatchObject({ host: '0.0.0.0', insecureAllowAnonymous: false });
  expect(() => readCompose({ GRAFANA_ADMIN_PASSWORD: 'own' }, files)).toThrow(
    'name the directory with the file tokens',
  );
});

test('there is no password until someone chooses one', () => {
  expect(() => readCompose({})).toThrow('set it to a password of your own');
});

describe.each(Object.keys(services))('%s', (name) => {
  const service = services[name]!;

  test('has a health check, a bound on its memory, and no rights that it does not need', () => {
    expect(service).toMatchObject({
      healthcheck: { test: expect.arrayContaining(['CMD']) },
      mem_limit: expect.any(String),
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      restart: 'unless-stopped',
    });
  });

  test('is of a fixed version', () => {
    expect(service.image).toMatch(/:v?\d+\.\d+\.\d+$/);
  });

  test('mounts what is there', () => {
    const mounted = (service.volumes ?? []).filter((volume) => typeof volume === 'string');
    const files = mounted.map((volume) => volume.split(':')[0]!).filter((file) => file.startsWith('/'));
    for (const file of files) expect(fs.existsSync(file), file).toBe(true);
  });
});

test('the image has the version of the package, and the Node.js that the tests run on', () => {
  const { version, devDependencies } = JSON.parse(read('package.json'));
  expect(packhorse.image).toBe(`packhorse:${version}`);
  const bases = [...dockerfile.matchAll(/^FROM node:([\d.]+)/gm)].map(([, base]) => base);
  expect(bases).toEqual([devDependencies.node, devDependencies.node]);
});
