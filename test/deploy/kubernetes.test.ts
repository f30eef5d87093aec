/** deploy/kubernetes against the schemas of what it is for, and against what the service says of itself. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readServeConfig } from '../../src/cli/config.ts';
import { environmentName, SERVE_FLAGS } from '../../src/cli/flags.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { problemsOf } from './kubernetes-schemas.ts';
import { kustomize, type Manifest } from './kustomize.ts';
import { readCompose } from './read-compose.ts';

const KUBERNETES = path.resolve(import.meta.dirname, '../../deploy/kubernetes');
const LAYERS = ['base', 'overlays/keda', 'overlays/hpa'];

interface Workload extends Manifest {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: { readonly matchLabels: Labels };
    readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
  };
}

type Labels = Readonly<Record<string, string>>;

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: unknown;
  readonly topologySpreadConstraints: readonly { readonly labelSelector: { readonly matchLabels: Labels } }[];
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string }[];
}

interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly resources: unknown;
  readonly securityContext: unknown;
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

const layer = (name: string) => kustomize(path.join(KUBERNETES, name));
const base = layer('base');

function find<T extends Manifest>(kind: string, name: string, among: readonly Manifest[] = base): T {
  return among.find((manifest) => manifest.kind === kind && manifest.metadata.name === name) as T;
}

const DEPLOYMENTS = ['packhorse', 'packhorse-nginx'];
const deployment = (name: string) => find<Workload>('Deployment', name).spec;
const packhorse = deployment('packhorse').template.spec;
const service = packhorse.containers[0]!;
const { services: composed } = readCompose({ GRAFANA_ADMIN_PASSWORD: 'own' });

test.each(LAYERS)('%s is what the schemas of its kinds ask for', async (name) => {
  expect(await problemsOf(layer(name))).toEqual([]);
});

test.each([
  ['Deployment', '/spec/template/spec/containers/0/lifeCycle', 'lifeCycle'],
  ['NetworkPolicy', '/spec/ingress/0/to', 'to'],
  ['ServiceMonitor', '/spec/endpoints/0/intervall', 'intervall'],
  ['ScaledObject', '/spec/triggers/0/metadata_', 'metadata_'],
  ['PrometheusRule', '/spec/groups/0/rule', 'rule'],
])('a field of a %s that no schema knows is found', async (kind, pointer, field) => {
  const manifest = layer('overlays/keda').find((other) => other.kind === kind)!;
  const steps = pointer.slice(1).split('/').slice(0, -1);
  const place = steps.reduce(
    (object, step) => object[step] as Record<string, unknown>,
    manifest as Record<string, unknown>,
  );
  place[field] = {};
  expect((await problemsOf([manifest])).join('\n')).toContain(`'"${field}"' does not exist in type`);
});

test('the wrong type of a field is found, and one that is missing', async () => {
  const { spec, ...others } = find<Workload>('Deployment', 'packhorse');
  const { selector: _, ...incomplete } = spec;
  expect(await problemsOf([{ ...others, spec: { ...spec, replicas: 'two' } }])).not.toEqual([]);
  expect(await problemsOf([{ ...others, spec: incomplete }])).not.toEqual([]);
});

test('the service starts with what its container sets, with an image that sets the rest', () => {
  const set = Object.fromEntries(service.env!.map(({ name, value }) => [name, value]));
  const names: readonly string[] = SERVE_FLAGS.map(environmentName);
  for (const name of Object.keys(set)) expect(names).toContain(name);
  const directory = temporaryDirectory();
  const given = `${directory}${set.PACKHORSE_TOKEN_FILE}`;
  fs.mkdirSync(path.dirname(given), { recursive: true });
  fs.writeFileSync(given, '');
  const config = readServeConfig(['--host', '0.0.0.0', '--token-file', given], {
    ...set,
    PACKHORSE_ROOT: directory,
  });
  expect(service.ports.map(({ containerPort }) => containerPort)).toEqual([config.port, config.metricsPort]);
});

test('a clone has time to end before its container does', () => {
  const { drainDelay, drainTimeout } = readServeConfig([], { PACKHORSE_ROOT: temporaryDirectory() });
  const drain = (drainDelay + drainTimeout) / 1000;
  for (const name of DEPLOYMENTS) {
    const { terminationGracePeriodSeconds, containers } = deployment(name).template.spec;
    const [{ lifecycle }] = containers as [Container];
    expect(terminationGracePeriodSeconds).toBeGreaterThan(lifecycle.preStop.sleep.seconds + drain);
  }
});

test('nginx is that of the compose file, with its configuration', () => {
  const { image, command, volumeMounts } = deployment('packhorse-nginx').template.spec.containers[0]!;
  const { nginx } = composed;
  expect(image).toBe(nginx.image);
  expect(command).toEqual(nginx.command!.with(2, 'packhorse-replicas'));
  expect(nginx.volumes).toEqual([expect.stringContaining(`deploy/nginx:${volumeMounts[0]!.mountPath}:ro`)]);
  const files = find<Manifest & { data: object }>('ConfigMap', 'packhorse-nginx').data;
  expect(Object.keys(files)).toEqual(['nginx.conf', 'run.sh']);
});

test('the image is that of the compose file', () => {
  expect(service.image).toBe(composed.packhorse.image);
});

describe.each(DEPLOYMENTS)('%s', (name) => {
  const { spec } = find<Workload>('Deployment', name);
  const pod = spec.template.spec;
  const container = pod.containers[0]!;

  test('runs without rights: not as root, and writes to nothing but its volumes', () => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    const writable = container.volumeMounts.filter(({ readOnly }) => !readOnly);
    for (const { name } of writable) {
      expect(pod.volumes).toContainEqual({ name, emptyDir: { sizeLimit: expect.any(String) } });
    }
  });

  test('has a name for every port and volume that it speaks of', () => {
    const ports = container.ports.map((port) => port.name);
    expect(ports).toContain(container.livenessProbe.httpGet.port);
    expect(ports).toContain(container.readinessProbe.httpGet.port);
    expect(pod.volumes.map((volume) => volume.name).sort()).toEqual(
      container.volumeMounts.map((mount) => mount.name).sort(),
    );
  });

  test('asks for processor, memory and disk, and is bounded in each', () => {
    const each = {
      cpu: expect.any(String),
      memory: expect.any(String),
      'ephemeral-storage': expect.any(String),
    };
    expect(container.resources).toEqual({ requests: each, limits: each });
  });

  test('is meant by all that selects it', () => {
    const { labels } = spec.template.metadata;
    const budget = find<Workload>('PodDisruptionBudget', name).spec;
    expect(budget.selector.matchLabels).toEqual(labels);
    expect(spec.selector.matchLabels).toEqual(labels);
    const policy = find<Manifest & { spec: { podSelector: object } }>('NetworkPolicy', name).spec;
    expect(policy.podSelector).toEqual({ matchLabels: labels });
    const spread = pod.topologySpreadConstraints.map(({ labelSelector }) => labelSelector.matchLabels);
    for (const selected of spread) expect(selected).toEqual(labels);
    expect(spread.length).toBeGreaterThan(0);
  });
});

test('clients come to nginx, which looks up the replicas, whose metrics Prometheus asks for', () => {
  const selected = (name: string) => find<Manifest & { spec: { selector: Labels } }>('Service', name);
  const front = selected('packhorse');
  const replicas = selected('packhorse-replicas');
  expect(front.spec.selector).toEqual(deployment('packhorse-nginx').template.metadata.labels);
  expect(replicas.spec).toMatchObject({
    selector: deployment('packhorse').template.metadata.labels,
    clusterIP: 'None',
  });
  const { jobLabel, selector, endpoints } = find<Manifest & { spec: Record<string, unknown> }>(
    'ServiceMonitor',
    'packhorse',
  ).spec;
  const services = base.filter(({ kind }) => kind === 'Service');
  const { matchLabels } = selector as { matchLabels: Labels };
  const monitored = services.filter(({ metadata }) =>
    Object.entries(matchLabels).every(([key, value]) => metadata.labels?.[key] === value),
  );
  expect(monitored).toEqual([replicas]);
  expect(replicas.metadata.labels![jobLabel as string]).toBe('packhorse');
  expect(endpoints).toEqual([expect.objectContaining({ port: 'metrics' })]);
});

test.each([
  ['overlays/keda', 'ScaledObject'],
  ['overlays/hpa', 'HorizontalPodAutoscaler'],
])('in %s the number of replicas is that of the %s alone', (name, kind) => {
  const manifests = layer(name);
  const scaled = find<Workload>('Deployment', 'packhorse', manifests);
  const scaler = find<Manifest & { spec: object }>(kind, 'packhorse', manifests);
  expect(scaled.spec.replicas).toBeUndefined();
  expect(scaler.spec).toMatchObject({ scaleTargetRef: { name: scaled.metadata.name } });
});
