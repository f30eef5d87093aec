/** deploy/kubernetes against the schemas of what it is for, and against what the service says of itself. */
import { describe, expect, test } from 'vitest';
import { readServeConfig } from '../../src/cli/config.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { problemsOf } from './kubernetes-schemas.ts';
import type { Manifest } from './kustomize.ts';
import {
  base,
  DEPLOYMENTS,
  deployment,
  find,
  type Labels,
  layer,
  type Policy,
  type Workload,
} from './manifests.ts';
import { readCompose } from './read-compose.ts';

const LAYERS = ['base', 'overlays/keda', 'overlays/hpa', 'components/forge', 'documentation'];

interface ScaledObject extends Manifest {
  readonly spec: {
    readonly fallback?: object;
    readonly triggers: readonly { readonly metricType: string }[];
  };
}

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

test('a clone has time to end before its container does', () => {
  const { drainDelay, drainTimeout } = readServeConfig([], { PACKHORSE_ROOT: temporaryDirectory() });
  const drain = (drainDelay + drainTimeout) / 1000;
  for (const name of DEPLOYMENTS) {
    const { terminationGracePeriodSeconds, containers } = deployment(name).template.spec;
    const { lifecycle } = containers[0]!;
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

test('the image is that of the compose file, with its own command and environment', () => {
  expect(service.image).toBe(composed.packhorse.image);
  for (const field of ['command', 'args', 'env']) expect(service).not.toHaveProperty(field);
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
    const policy = find<Policy>('NetworkPolicy', name).spec;
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

// Up to 2.17 KEDA turns away a fallback of anything else.
test('what the fleet falls back to is counted in replicas', () => {
  const { fallback, triggers } = find<ScaledObject>('ScaledObject', 'packhorse', layer('overlays/keda')).spec;
  expect(fallback).toBeDefined();
  expect(triggers.map(({ metricType }) => metricType)).toEqual(['AverageValue']);
});
