/**
 * As much of kustomize as deploy/kubernetes uses: resources, ConfigMaps of files, and JSON patches. The hash that
 * kustomize appends to the name of a ConfigMap is left out. Whatever else a kustomization says is an error.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [key: string]: unknown;
}

interface Kustomization {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resources?: readonly string[];
  readonly configMapGenerator?: readonly { readonly name: string; readonly files: readonly string[] }[];
  readonly patches?: readonly { readonly target: PatchTarget; readonly patch: string }[];
}

interface PatchTarget {
  readonly kind: string;
  readonly name: string;
}

interface PatchOperation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

const KNOWN = ['apiVersion', 'kind', 'resources', 'configMapGenerator', 'patches'];

/** @param directory one with a `kustomization.yaml` */
export function kustomize(directory: string): Manifest[] {
  const file = path.join(directory, 'kustomization.yaml');
  const kustomization: Kustomization = parse(fs.readFileSync(file, 'utf8'));
  for (const key of Object.keys(kustomization)) {
    if (!KNOWN.includes(key)) throw new Error(`${file}: ${key} is not known here`);
  }
  const { resources = [], configMapGenerator = [], patches = [] } = kustomization;
  const manifests = [
    ...resources.flatMap((resource) => readResource(path.join(directory, resource))),
    ...configMapGenerator.map(({ name, files }) => configMap(directory, name, files)),
  ];
  for (const { target, patch } of patches) {
    const found = manifests.filter(
      ({ kind, metadata }) => kind === target.kind && metadata.name === target.name,
    );
    if (found.length !== 1) throw new Error(`${file}: ${found.length} resources for the patch`);
    for (const operation of parse(patch)) apply(found[0]!, operation);
  }
  return manifests;
}

function readResource(resource: string): Manifest[] {
  if (fs.statSync(resource).isDirectory()) return kustomize(resource);
  return parseAllDocuments(fs.readFileSync(resource, 'utf8')).map((document) => {
    const [problem] = document.errors;
    if (problem) throw problem;
    return document.toJS();
  });
}

function configMap(directory: string, name: string, files: readonly string[]): Manifest {
  const data = files.map((file) => [file, fs.readFileSync(path.join(directory, file), 'utf8')]);
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: Object.fromEntries(data) };
}

function apply(manifest: Manifest, { op, path: pointer, value }: PatchOperation): void {
  const steps = pointer.slice(1).split('/');
  const last = steps.pop()!;
  let place: Record<string, unknown> = manifest;
  for (const step of steps) place = place[step] as Record<string, unknown>;
  if (!(last in place) && op !== 'add') throw new Error(`${pointer} is not there`);
  if (op === 'remove') delete place[last];
  else if (op === 'add' || op === 'replace') place[last] = value;
  else throw new Error(`${op} is not known here`);
}
