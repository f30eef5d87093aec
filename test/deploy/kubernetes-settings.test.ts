/** deploy/kubernetes: what the service is told, and who reaches whom. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readServeConfig } from '../../src/cli/config.ts';
import { environmentName, SERVE_FLAGS } from '../../src/cli/flags.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { startService } from '../support/service.ts';
import type { ConfigMap, Manifest } from './kustomize.ts';
import { base, deployment, documented, FORGE, find, type Policy, type Workload } from './manifests.ts';
import { readCompose } from './read-compose.ts';

/** What the variables of the container come to, with an image that sets the rest. */
function configOf(manifests: readonly Manifest[]) {
  const { containers } = find<Workload>('Deployment', 'packhorse', manifests).spec.template.spec;
  const [{ configMapRef }] = containers[0]!.envFrom as [{ configMapRef: { name: string } }];
  const { data } = find<ConfigMap>('ConfigMap', configMapRef.name, manifests);
  const names: readonly string[] = SERVE_FLAGS.map(environmentName);
  for (const name of Object.keys(data)) expect(names).toContain(name);
  const directory = temporaryDirectory();
  const set: NodeJS.ProcessEnv = { ...data, PACKHORSE_ROOT: directory };
  if (data.PACKHORSE_TOKEN_FILE) {
    set.PACKHORSE_TOKEN_FILE = `${directory}${data.PACKHORSE_TOKEN_FILE}`;
    fs.mkdirSync(path.dirname(set.PACKHORSE_TOKEN_FILE), { recursive: true });
    fs.writeFileSync(set.PACKHORSE_TOKEN_FILE, '');
  }
  return readServeConfig(['--host', '0.0.0.0'], set);
}

test('the service starts with what its container sets, and asks for tokens', () => {
  const config = configOf(base);
  expect(config).toMatchObject({ auth: { mode: 'token' }, insecureAllowAnonymous: false });
  expect(
    deployment('packhorse').template.spec.containers[0]!.ports.map(({ containerPort }) => containerPort),
  ).toEqual([config.port, config.metricsPort]);
});

test('its probes ask for what the service answers', async () => {
  const { livenessProbe, readinessProbe } = deployment('packhorse').template.spec.containers[0]!;
  const { metricsUrl } = await startService(temporaryDirectory(), ['--workers', '1']);
  for (const { httpGet } of [livenessProbe, readinessProbe]) {
    expect(httpGet.port).toBe('metrics');
    expect((await fetch(`${metricsUrl}${httpGet.path}`)).status).toBe(200);
  }
});

test('no one’s word is taken for who a client is, until an overlay says what addresses pods have', () => {
  expect(configOf(base).trustedProxies).toEqual([]);
  expect(configOf(documented())).toMatchObject({
    auth: { mode: 'token' },
    trustedProxies: [expect.stringMatching(/^10\.[\d.]+\/1\d$/)],
  });
});

/** Whom to ask for addresses. */
const NAMES = {
  to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } }],
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
};

test('nginx alone reaches the repositories of a replica, and Prometheus its metrics', () => {
  expect(find<Policy>('NetworkPolicy', 'packhorse').spec).toMatchObject({
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        from: [{ podSelector: { matchLabels: deployment('packhorse-nginx').template.metadata.labels } }],
        ports: [{ port: 'http' }],
      },
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        ports: [{ port: 'metrics' }],
      },
    ],
  });
});

test('nginx reaches the replicas, and who tells their addresses', () => {
  const { egress } = find<Policy>('NetworkPolicy', 'packhorse-nginx').spec;
  const replicas = { podSelector: { matchLabels: deployment('packhorse').template.metadata.labels } };
  expect(egress).toEqual([{ to: [replicas], ports: [{ port: 'http' }] }, NAMES]);
});

test('where the forge says who may fetch, a replica has no tokens, and reaches the forge', () => {
  const manifests = documented(FORGE);
  const { services: example } = readCompose({ FORGEJO_SECRET_KEY: 'own' }, [
    'deploy/examples/forgejo/docker-compose.yml',
  ]);
  const config = configOf(manifests);
  expect(config).toMatchObject({
    auth: { mode: 'forward' },
    gitConfig: example.packhorse.environment!.PACKHORSE_GIT_CONFIG!.split('\n'),
  });
  const url = new URL(find<ConfigMap>('ConfigMap', 'packhorse', manifests).data.PACKHORSE_AUTHORIZE_URL!);
  const { podSelector, egress } = find<Policy>('NetworkPolicy', 'packhorse-forge', manifests).spec;
  expect(podSelector).toEqual(find<Policy>('NetworkPolicy', 'packhorse').spec.podSelector);
  const namespace = { matchLabels: { 'kubernetes.io/metadata.name': url.hostname.split('.')[1] } };
  expect(egress).toEqual([
    {
      to: [expect.objectContaining({ namespaceSelector: namespace })],
      ports: [{ port: Number(url.port) }],
    },
    NAMES,
  ]);
  const pod = find<Workload>('Deployment', 'packhorse', manifests).spec.template.spec;
  expect(pod.volumes.map(({ name }) => name)).toEqual(['repositories', 'cache', 'scratch']);
  expect(pod.containers[0]!.volumeMounts.map(({ name }) => name)).toEqual([
    'repositories',
    'cache',
    'scratch',
  ]);
});
