/** The flags of `packhorse serve`: each with its environment variable, its default and its check. */

export interface Flag {
  readonly name: string;
  /** What stands for the value in the help; undefined for a switch. */
  readonly value?: string;
  readonly help: string;
  /** As it would be written; undefined where there is none. */
  readonly default?: string;
  /** May be given more than once; the environment variable parts values by `:`. */
  readonly many?: boolean;
}

export const SERVE_FLAGS = [
  {
    name: 'root',
    value: 'DIR',
    help: 'directory below which repositories are served',
    default: './repos',
  },
  { name: 'host', value: 'ADDRESS', help: 'address to listen on', default: '127.0.0.1' },
  { name: 'port', value: 'PORT', help: 'port to listen on (0: any free one)', default: '8417' },
  {
    name: 'metrics-host',
    value: 'ADDRESS',
    help: 'address for /metrics, /livez and /readyz',
    default: '127.0.0.1',
  },
  { name: 'metrics-port', value: 'PORT', help: 'port for those (0: any free one)', default: '9417' },
  {
    name: 'allow-path',
    value: 'DIR',
    help: 'further directory that repositories may borrow objects from, or be linked to (repeatable)',
    many: true,
  },
  { name: 'workers', value: 'N', help: 'worker threads (default: the processors at hand)' },
  {
    name: 'max-request-size',
    value: 'BYTES',
    help: 'longest request body, inflated (k, m, g)',
    default: '32m',
  },
  {
    name: 'memory-limit',
    value: 'BYTES',
    help: "memory that the warning goes by (default: the container's limit, or the machine's memory)",
  },
  {
    name: 'memory-warn-ratio',
    value: 'SHARE',
    help: 'share of that limit at which it warns',
    default: '0.85',
  },
  {
    name: 'log-level',
    value: 'LEVEL',
    help: 'trace, debug, info, warn, error, fatal or silent',
    default: 'info',
  },
  {
    name: 'insecure-allow-anonymous',
    help: 'listen on an address that others can reach although anyone may then fetch everything',
  },
] as const satisfies readonly Flag[];

export function environmentName(flag: Flag): string {
  return `PACKHORSE_${flag.name.toUpperCase().replaceAll('-', '_')}`;
}
