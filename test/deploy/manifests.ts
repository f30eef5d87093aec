/** The manifests of deploy/kubernetes, as kustomize makes them. */
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '../support/directory.ts';
import { kustomize, type Manifest } from './kustomize.ts';

const KUBERNETES = path.resolve(import.meta.dirname, '../../deploy/kubernetes');

export interface Workload extends Manifest {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: { readonly matchLabels: Labels };
    readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
  };
}

export type Labels = Readonly<Record<string, string>>;

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
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
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

export interface Policy extends Manifest {
  readonly spec: {
    readonly podSelector: object;
    readonly ingress?: readonly object[];
    readonly egress?: readonly { readonly to: readonly object[]; readonly ports: readonly object[] }[];
  };
}

/** The overlay that docs/deployment.md shows, beside this repository. */
export function documented(more = ''): Manifest[] {
  const top = path.resolve(KUBERNETES, '../..');
  const text = fs.readFileSync(path.join(top, 'docs/deployment.md'), 'utf8');
  const [, example] = /^```yaml\n(apiVersion: kustomize.*?)^```/ms.exec(text)!;
  const directory = temporaryDirectory();
  fs.symlinkSync(top, path.join(directory, 'packhorse'));
  fs.mkdirSync(path.join(directory, 'own'));
  fs.writeFileSync(path.join(directory, 'own/kustomization.yaml'), example + more);
  return kustomize(path.join(directory, 'own'));
}

/** What it says where the forge says who may fetch. */
export const FORGE = 'components: [../packhorse/deploy/kubernetes/components/forge]\n';

export function layer(name: string): Manifest[] {
  if (name === 'documentation') return documented();
  if (name === 'components/forge') return documented(FORGE);
  return kustomize(path.join(KUBERNETES, name));
}

export const base = layer('base');

export function find<T extends Manifest>(kind: string, name: string, among: readonly Manifest[] = base): T {
  return among.find((manifest) => manifest.kind === kind && manifest.metadata.name === name) as T;
}

export const DEPLOYMENTS = ['packhorse', 'packhorse-nginx'];
export const deployment = (name: string) => find<Workload>('Deployment', name).spec;
