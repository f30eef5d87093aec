/** The schemas of Kubernetes, of the Prometheus operator and of KEDA, as npm packages have them. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/directory.ts';
import type { Manifest } from './kustomize.ts';

const TOP = path.resolve(import.meta.dirname, '../..');

/** Groups that are not Kubernetes' own. */
const PACKAGES: Readonly<Record<string, string>> = {
  'keda.sh': '@kubernetes-models/keda/',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator/',
};

function moduleOf({ apiVersion, kind }: Manifest): string {
  const package_ = PACKAGES[apiVersion.split('/')[0]!] ?? 'kubernetes-models/';
  return `${package_}${apiVersion}/${kind}`;
}

/**
 * What is wrong with some manifests, a line for each problem. The packages' validators look at what is required, at
 * types, formats and enumerations; they pass over fields that no schema knows. Those are found by the compiler, which
 * holds literals against the packages' interfaces.
 */
export async function problemsOf(manifests: readonly Manifest[]): Promise<string[]> {
  const invalid = await Promise.all(manifests.map(validate));
  return [...invalid.flat(), ...(await compile(manifests))];
}

async function validate(manifest: Manifest): Promise<string[]> {
  const { [manifest.kind]: Model } = await import(moduleOf(manifest));
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [`${manifest.kind} ${manifest.metadata.name}: ${(error as Error).message}`];
  }
}

async function compile(manifests: readonly Manifest[]): Promise<string[]> {
  const directory = temporaryDirectory();
  fs.symlinkSync(path.join(TOP, 'node_modules'), path.join(directory, 'node_modules'));
  const lines = manifests.map((manifest, n) => {
    const type = `import('${moduleOf(manifest)}').I${manifest.kind}`;
    return `export const ${manifest.kind}${n}: ${type} = ${JSON.stringify(manifest, undefined, 1)};\n`;
  });
  fs.writeFileSync(path.join(directory, 'package.json'), '{ "type": "module" }');
  fs.writeFileSync(path.join(directory, 'manifests.ts'), lines.join(''));
  const tsc = path.join(TOP, 'node_modules/.bin/tsc');
  const flags = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--module',
    'nodenext',
    '--skipLibCheck',
  ];
  try {
    await promisify(execFile)(tsc, [...flags, '--pretty', 'false', 'manifests.ts'], { cwd: directory });
    return [];
  } catch (error) {
    return (error as { stdout: string }).stdout.trim().split('\n');
  }
}
