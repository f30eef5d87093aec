/** The flags of `packhorse serve`, and reading them from the command line and the environment. */
import { parseArgs } from 'node:util';
import { AUTH_FLAGS } from './auth-flags.ts';

export interface Flag {
  readonly name: string;
  /** What stands for the value in the help; undefined for a switch. */
  readonly value?: string;
  readonly help: string;
  /** As it would be written; undefined where there is none, or where it depends on the machine. */
  readonly default?: string;
  /** May be given more than once; this parts the values in the environment variable. */
  readonly many?: ':' | '\n';
}

export const SERVE_FLAGS = [
  {
    name: 'root',
    value: 'DIR',
    help: 'directory below which repositories are served (default: ./repos, made with a demo if missing)',
  },
  {
    name: 'host',
    value: 'ADDRESS',
    help: 'IP address to listen on, or localhost',
    default: '127.0.0.1',
  },
  { name: 'port', value: 'PORT', help: 'port to listen on, 0 for any free one', default: '8417' },
  {
    name: 'tls-key',
    value: 'FILE',
    help: 'private key, PEM, to speak HTTPS: HTTP/2 and HTTP/1.1 (default: plain HTTP/1.1)',
  },
  {
    name: 'tls-cert',
    value: 'FILE',
    help: 'certificate chain for that key, PEM',
  },
  ...AUTH_FLAGS,
  {
    name: 'dumb-http',
    help: 'serve the files of repositories too, to clients that know only the dumb protocol: what is hidden from the others can be read',
  },
  {
    name: 'git-port',
    value: 'PORT',
    help: 'port for git:// on the same address, 0 for any free one (default: no git://)',
  },
  {
    name: 'metrics-host',
    value: 'ADDRESS',
    help: 'IP address for /metrics, /livez and /readyz, or localhost',
    default: '127.0.0.1',
  },
  { name: 'metrics-port', value: 'PORT', help: 'port for those, 0 for any free one', default: '9417' },
  {
    name: 'allow-path',
    value: 'DIR',
    help: 'further directory that repositories may borrow objects from or be linked to; give it again for more, or part them by : in the variable',
    many: ':',
  },
  {
    name: 'git-config',
    value: 'KEY=VALUE',
    help: "configuration of git's for all repositories, such as uploadpack.allowFilter=true; a repository's own comes before it; give it again for more, or write each on a line of its own in the variable",
    many: '\n',
  },
  {
    name: 'namespace',
    value: 'NAME',
    help: 'namespace of refs that is served of each repository, as in GIT_NAMESPACE (default: all refs are)',
  },
  {
    name: 'require-export-ok',
    help: 'serve only repositories that have a file git-daemon-export-ok',
  },
  {
    name: 'workers',
    value: 'N',
    help: 'worker threads, 1 to 256 (default: one for each processor, or fewer where the container has a CPU limit)',
  },
  {
    name: 'max-request-size',
    value: 'BYTES',
    help: 'longest request body, inflated; k, m and g may follow the number',
    default: '32m',
  },
  {
    name: 'index-memory',
    value: 'BYTES',
    help: 'memory for index files (pack indexes, bitmaps, commit-graphs, packed refs), shared by all workers',
    default: '256m',
  },
  {
    name: 'memory-limit',
    value: 'BYTES',
    help: "resident memory that warnings and adaptive limits go by, beside the container's own limit (default: that alone, or the machine's memory)",
  },
  {
    name: 'memory-warn-ratio',
    value: 'SHARE',
    help: 'share of the limit at which a warning is logged, above 0 and at most 1',
    default: '0.85',
  },
  {
    name: 'adaptive-limits',
    value: 'ON|OFF',
    help: 'on or off: lower the limits of clones and fetches while memory, processor time or the main thread is short',
    default: 'on',
  },
  {
    name: 'cache-dir',
    value: 'DIR',
    help: 'directory for files of our own (default: packhorse below $XDG_CACHE_HOME, or below ~/.cache)',
  },
  {
    name: 'cache-size',
    value: 'BYTES',
    help: 'space below the cache directory for packs that are kept for those who ask for the same; 0: none are kept',
    default: '10g',
  },
  {
    name: 'cache-min-uses',
    value: 'N',
    help: 'keep a pack from the Nth request for it on, as most are never asked for again',
    default: '2',
  },
  {
    name: 'shared-cache-url',
    value: 's3://BUCKET/PREFIX',
    help: 'object store where services share the packs that they keep; needs the package @aws-sdk/client-s3 and its usual credentials (default: none)',
  },
  {
    name: 'shared-cache-endpoint',
    value: 'URL',
    help: 'where a store is that is not AWS',
  },
  {
    name: 'shared-cache-region',
    value: 'REGION',
    help: 'of the bucket (default: what the SDK finds, as in $AWS_REGION)',
  },
  {
    name: 'shared-cache-first-byte',
    value: 'MILLISECONDS',
    help: 'until the store has to answer; a pack is simply made after that',
    default: '500',
  },
  {
    name: 'shared-cache-wait',
    value: 'MILLISECONDS',
    help: 'that a request waits for all of a pack from there; it comes into the cache directory for the next one all the same',
    default: '3000',
  },
  {
    name: 'own-bitmaps',
    value: 'ON|OFF',
    help: 'on or off: build reachability bitmaps, below the cache directory, for repositories that have none',
    default: 'on',
  },
  {
    name: 'bundles',
    value: 'ON|OFF',
    help: 'on or off: make bundles, below the cache directory, of repositories that are cloned often, and offer them over HTTP to clients that start from bundles',
    default: 'off',
  },
  {
    name: 'bundle-min-clones',
    value: 'N',
    help: 'full clones within an hour after which a repository gets a bundle',
    default: '3',
  },
  {
    name: 'bundle-size',
    value: 'BYTES',
    help: 'space below the cache directory for bundles, beside --cache-size',
    default: '10g',
  },
  {
    name: 'bundle-caching',
    value: 'private|public',
    help: 'whether a shared cache, such as a CDN, may keep bundles and give them to everyone, as is right where everyone may read all repositories',
    default: 'private',
  },
  { name: 'clone-limit', value: 'N', help: 'clones that are worked on at once (default: 4 for each worker)' },
  {
    name: 'fetch-limit',
    value: 'N',
    help: 'fetches by clients that have something already (default: 8 for each worker)',
  },
  { name: 'light-limit', value: 'N', help: 'listings and negotiations (default: 32 for each worker)' },
  {
    name: 'repository-limit',
    value: 'N',
    help: 'of the clones, and of the fetches, those of one repository; 0: no limit of its own',
    default: '0',
  },
  { name: 'client-limit', value: 'N', help: 'the same for one client, where it is known', default: '0' },
  {
    name: 'queue',
    value: 'N',
    help: 'requests that may wait, for clones, fetches and listings each',
    default: '256',
  },
  { name: 'queue-wait', value: 'SECONDS', help: 'that one waits at most; 0: any time', default: '300' },
  {
    name: 'refuse-with',
    value: 'err|429',
    help: 'how a request for a pack is turned away: in words that git prints, or so that a proxy asks elsewhere',
    default: 'err',
  },
  {
    name: 'trusted-proxies',
    value: 'CIDR,...',
    help: 'peers whose X-Forwarded-For says who a client is (default: none)',
  },
  { name: 'stream-window', value: 'BYTES', help: 'that may be on their way to one client', default: '1m' },
  {
    name: 'inflight-memory',
    value: 'BYTES',
    help: 'that may be on their way to all clients',
    default: '128m',
  },
  {
    name: 'hang-timeout',
    value: 'SECONDS',
    help: 'after which a worker that gives no sign of life is replaced; 0: never',
    default: '60',
  },
  {
    name: 'request-memory',
    value: 'BYTES',
    help: 'that request bodies may take, all together; one may take half of it',
    default: '256m',
  },
  {
    name: 'idle-timeout',
    value: 'SECONDS',
    help: 'that a client may be silent when it is its turn, and that the head of a request may take; 0: any time',
    default: '60',
  },
  {
    name: 'negotiation-timeout',
    value: 'SECONDS',
    help: 'that a client on a connection may take to say what it wants and has; 0: any time',
    default: '600',
  },
  {
    name: 'stall-timeout',
    value: 'SECONDS',
    help: 'that a client may take no byte of its answer; 0: any time',
    default: '300',
  },
  {
    name: 'drain-delay',
    value: 'SECONDS',
    help: 'between SIGTERM, when readiness fails, and the refusal of new work; not with SIGINT (Ctrl-C)',
    default: '3',
  },
  {
    name: 'drain-timeout',
    value: 'SECONDS',
    help: 'that fetches in flight may take then',
    default: '600',
  },
  {
    name: 'otlp-url',
    value: 'URL',
    help: 'collector that traces are sent to, by OTLP over HTTP; needs three packages of OpenTelemetry (default: what OTEL_EXPORTER_OTLP_ENDPOINT says, else no traces)',
  },
  {
    name: 'log-level',
    value: 'LEVEL',
    help: 'trace, debug, info, warn, error, fatal or silent',
    default: 'info',
  },
  {
    name: 'insecure-allow-anonymous',
    help: 'allow addresses that others can reach without --auth or --tls-client-ca, and --git-port beside them, although anyone may then fetch everything',
  },
] as const satisfies readonly Flag[];

export type FlagName = (typeof SERVE_FLAGS)[number]['name'];

/** A configuration that cannot be used. The message is one line for the person who wrote it. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(oneLine(message));
  }
}

/** A value with what to call its origin in messages. */
export interface GivenValue {
  readonly text: string;
  readonly origin: string;
}

export function environmentName(flag: Flag): string {
  return `PACKHORSE_${flag.name.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * The values of each flag: those of the command line, else of the environment, else the default. An empty
 * environment variable counts as none, as compose files and unit files often have them.
 * @throws ConfigError
 */
export function readFlags(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Map<string, readonly GivenValue[]> {
  const { given, others } = splitArguments(args, SERVE_FLAGS, SEE_HELP);
  if (others.length > 0) throw new ConfigError(`${others[0]}: only flags follow serve${SEE_HELP}`);
  for (const flag of SERVE_FLAGS as readonly Flag[]) {
    if (given.has(flag.name)) continue;
    const values = fromEnvironment(flag, environment[environmentName(flag)] ?? '');
    if (values.length > 0) given.set(flag.name, values);
    else if (flag.default !== undefined)
      given.set(flag.name, [{ text: flag.default, origin: `--${flag.name}` }]);
  }
  return given;
}

/** What follows a command: values of flags, and other words in their order. */
export interface SplitArguments {
  readonly given: Map<string, GivenValue[]>;
  readonly others: readonly string[];
}

/**
 * `parseArgs` splits; what may not be is said here, since its own messages run over several lines.
 * @param seeHelp behind messages: where the flags are told
 * @throws ConfigError
 */
export function splitArguments(
  args: readonly string[],
  known: readonly Flag[],
  seeHelp: string,
): SplitArguments {
  const flags = new Map(known.map((flag) => [flag.name, flag]));
  const options = Object.fromEntries(
    known.map(({ name, value }) => [name, { type: value ? ('string' as const) : ('boolean' as const) }]),
  );
  const given = new Map<string, GivenValue[]>();
  const others: string[] = [];
  for (const token of parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      others.push(token.value);
      continue;
    }
    const origin = token.rawName;
    const flag = flags.get(token.name);
    if (!flag) throw new ConfigError(`no flag ${origin}${seeHelp}`);
    if (!flag.value && token.value !== undefined) {
      throw new ConfigError(`${origin} is a switch and takes no value: leave out =${token.value}`);
    }
    const missing = !token.value || (!token.inlineValue && token.value.startsWith('-'));
    if (flag.value && missing) throw new ConfigError(`${origin} needs a value: ${origin} ${flag.value}`);
    const values = given.get(flag.name) ?? [];
    given.set(flag.name, [...values, { text: token.value ?? 'true', origin }]);
  }
  return { given, others };
}

const SEE_HELP = '; see packhorse serve --help';

function fromEnvironment(flag: Flag, text: string): GivenValue[] {
  const origin = `${environmentName(flag)} (--${flag.name})`;
  const values = (flag.many ? text.split(flag.many) : [text]).filter((value) => value !== '');
  return values.map((value) => ({ text: value, origin }));
}

/** Line ends and other control characters become spaces. */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}
