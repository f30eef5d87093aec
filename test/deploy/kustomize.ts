/**
 * As much of kustomize as deploy/kubernetes and its documentation use: resources, components, a namespace, ConfigMaps of
 * files and of literals, which may be merged into, images, and JSON patches. The hash that kustomize appends to the name of a
 * ConfigMap is left out. Whatever else a kustomization says is an error.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

interface Kustomization {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly namespace?: string;
  readonly configMapGenerator?: readonly ConfigMapSource[];
  readonly images?: readonly Image[];
  readonly patches?: readonly { readonly target: PatchTarget; readonly patch: string }[];
}

interface ConfigMapSource {
  readonly name: string;
  readonly behavior?: 'merge';
  readonly files?: readonly string[];
  readonly literals?: readonly string[];
}

interface Image {
  readonly name: string;
  readonly newName: string;
  readonly newTag: string;
}

export interface ConfigMap extends Manifest {
  readonly data: Readonly<Record<string, string>>;
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

const KNOWN = [
  'apiVersion',
  'kind',
  'namespace',
  'resources',
  'components',
  'configMapGenerator',
  'patches',
  'images',
];

/**
 * @param directory one with a `kustomization.yaml`
 * @param below what a component changes
 */
export function kustomize(directory: string, below: readonly Manifest[] = []): Manifest[] {
  const file = path.join(directory, 'kustomization.yaml');
  const kustomization: Kustomization = parse(fs.readFileSync(file, 'utf8'));
  for (const key of Object.keys(kustomization)) {
    if (!KNOWN.includes(key)) throw new Error(`${file}: ${key} is not known here`);
  }
  const { namespace, resources = [], components = [], configMapGenerator = [] } = kustomization;
  const { patches = [], images = [] } = kustomization;
  const read = resources.flatMap((resource) => readResource(path.join(directory, resource)));
  let manifests = components.reduce(
    (changed, component) => kustomize(path.join(directory, component), changed),
    [...below, ...read],
  );
  for (const source of configMapGenerator) manifests = addConfigMap(manifests, directory, source);
  for (const { target, patch } of patches) {
    const found = manifests.filter(
      ({ kind, metadata }) => kind === target.kind && metadata.name === target.name,
    );
    if (found.length !== 1) throw new Error(`${file}: ${found.length} resources for the patch`);
    for (const operation of parse(patch)) apply(found[0]!, operation);
  }
  return manifests.map((manifest) => {
    const named = namespace ? { ...manifest, metadata: { ...manifest.metadata, namespace } } : manifest;
    return images.reduce(setImage, named);
  });
}

function readResource(resource: string): Manifest[] {
  if (fs.statSync(resource).isDirectory()) return kustomize(resource);
  // Kubernetes reads YAML 1.1: 0440 is octal.
  return parseAllDocuments(fs.readFileSync(resource, 'utf8'), { version: '1.1' }).map((document) => {
    const [problem] = document.errors;
    if (problem) throw problem;
    return document.toJS();
  });
}

function addConfigMap(
  manifests: readonly Manifest[],
  directory: string,
  source: ConfigMapSource,
): Manifest[] {
  const { name, behavior, files = [], literals = [] } = source;
  const data = Object.fromEntries([
    ...files.map((file) => [file, fs.readFileSync(path.join(directory, file), 'utf8')]),
    ...literals.map((literal) => /^([^=]+)=(.*)$/s.exec(literal)!.slice(1)),
  ]);
  const isMeant = ({ kind, metadata }: Manifest) => kind === 'ConfigMap' && metadata.name === name;
  if (manifests.some(isMeant) !== (behavior === 'merge')) throw new Error(`${name}: there, or not there`);
  const { data: merged } = (manifests.find(isMeant) ?? {}) as Partial<ConfigMap>;
  const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { ...merged, ...data } };
  return [...manifests.filter((manifest) => !isMeant(manifest)), made];
}

/** In every container whose image has this name. */
function setImage(manifest: Manifest, { name, newName, newTag }: Image): Manifest {
  const replace = (key: string, value: unknown) =>
    key === 'image' && String(value).split(':')[0] === name ? `${newName}:${newTag}` : value;
  return JSON.parse(JSON.stringify(manifest, replace));
}

/** Lists lose elements by patches, and nothing is added to them. */
function apply(manifest: Manifest, { op, path: pointer, value }: PatchOperation): void {
  const steps = pointer.slice(1).split('/');
  const last = steps.pop()!;
  let place: Record<string, unknown> | unknown[] = manifest;
  for (const step of steps) place = (place as Record<string, unknown>)[step] as Record<string, unknown>;
  if (!(last in place) && op !== 'add') throw new Error(`${pointer} is not there`);
  const fields = place as Record<string, unknown>;
  if (op === 'test' && fields[last] !== value) throw new Error(`${pointer} is ${fields[last]}`);
  else if (op === 'remove' && Array.isArray(place)) place.splice(Number(last), 1);
  else if (op === 'remove') delete fields[last];
  else if (op === 'add' || op === 'replace') fields[last] = value;
  else if (op !== 'test') throw new Error(`${op} is not known here`);
}
