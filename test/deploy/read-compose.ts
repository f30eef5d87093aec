/** What docker-compose makes of the compose files of this project. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { parse } from 'yaml';

const TOP = path.resolve(import.meta.dirname, '../..');

export interface ComposeService {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  /** By name. Without any it is in `default`. */
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly (string | ComposeVolume)[];
  readonly deploy?: { readonly replicas: number };
  readonly stop_grace_period?: string;
}

export interface ComposeVolume {
  readonly type: string;
  readonly source?: string;
  readonly target: string;
  readonly read_only?: boolean;
}

export interface ComposeNetwork {
  readonly ipam?: { readonly config: readonly { readonly subnet: string }[] };
}

export interface ComposeProject {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, ComposeNetwork>>;
}

/**
 * @param environment what is set beside this process' own
 * @param files from the top of the project; later ones come over earlier ones
 * @throws what docker-compose says
 */
export function readCompose(environment: NodeJS.ProcessEnv, files = ['docker-compose.yml']): ComposeProject {
  const args = [...files.flatMap((file) => ['-f', file]), 'config'];
  const { GRAFANA_ADMIN_PASSWORD: _, ...others } = process.env;
  const options = { cwd: TOP, env: { ...others, ...environment }, stdio: 'pipe' } as const;
  return parse(execFileSync('docker-compose', args, options).toString());
}
