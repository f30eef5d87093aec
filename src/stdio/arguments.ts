/** The arguments of `packhorse upload-pack`: those of `git upload-pack`, read as git reads them, and some of our own. */

export interface TlsFiles {
  /** Our own certificate and its key. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Certificates of those who sign that of the service; undefined: the usual ones. */
  readonly ca: string | undefined;
}

export interface UploadPackArguments {
  /** Whether the directory itself is meant, and no other that its name may stand for. */
  readonly strict: boolean;
  /** Seconds for which protocol v0 and v1 wait for the client; 0: for ever. */
  readonly timeout: number;
  /** One request, without an advertisement. */
  readonly statelessRpc: boolean;
  /** The advertisement of a server whose requests are stateless, and nothing else. */
  readonly advertiseRefs: boolean;
  /** The service that is to serve instead of this process. */
  readonly server: string | undefined;
  /** Where the token is that it asks for. */
  readonly tokenFile: string | undefined;
  /** Files, PEM: how client and service show each other who they are. */
  readonly tls: TlsFiles;
  readonly directory: string;
}

/** Arguments that cannot be used, or a question for help. */
export class Usage extends Error {
  readonly exitCode: number;

  /** @param text all that is to be printed */
  constructor(text: string, exitCode = 129) {
    super(text);
    this.exitCode = exitCode;
  }
}

const USAGE = `usage: packhorse upload-pack [--[no-]strict] [--timeout=<n>] [--stateless-rpc]
                             [--advertise-refs] <directory>
   or: packhorse upload-pack --server=<url> [--token-file=<file>]
                             [--tls-cert=<file> --tls-key=<file>] [--tls-ca=<file>]
                             <repository>

    --[no-]stateless-rpc  quit after a single request/response exchange
    --[no-]advertise-refs ...
                          alias of --http-backend-info-refs
    --[no-]strict         do not try <directory>/.git/ if <directory> is no Git directory
    --[no-]timeout <n>    interrupt transfer after <n> seconds of inactivity
    --[no-]server <url>   have a running service serve the repository
    --[no-]token-file <file>
                          where the token is that the service asks for
    --[no-]tls-cert <file>
                          the certificate that the service asks for (PEM)
    --[no-]tls-key <file> its key (PEM)
    --[no-]tls-ca <file>  who must have signed the service's certificate (PEM)

`;

const SWITCHES = ['stateless-rpc', 'http-backend-info-refs', 'advertise-refs', 'strict'];
const NAMES = [...SWITCHES, 'timeout', 'server', 'token-file', 'tls-cert', 'tls-key', 'tls-ca'];

/** @throws Usage */
export function readArguments(args: readonly string[]): UploadPackArguments {
  const given = new Map<string, string | undefined>();
  const directories: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === '-h' || arg === '--help') throw new Usage(USAGE, 0);
    if (arg === '--' || arg === '--end-of-options') {
      directories.push(...args.slice(i + 1));
      break;
    }
    if (arg === '-' || !arg.startsWith('-')) {
      directories.push(arg);
      continue;
    }
    if (!arg.startsWith('--')) throw new Usage(`error: unknown switch \`${arg[1]}'\n${USAGE}`);
    const { name, isOff, value } = readOption(arg.slice(2));
    if (isOff) given.delete(name);
    else if (SWITCHES.includes(name)) given.set(name, undefined);
    else if (value === undefined && i + 1 === args.length) throw bad(name, 'requires a value');
    else given.set(name, value ?? args[++i]);
  }
  if (directories.length !== 1) throw new Usage(USAGE);
  const alone = given.has('server') && SWITCHES.find((name) => name !== 'strict' && given.has(name));
  if (alone) throw new Usage(`fatal: options '--server' and '--${alone}' cannot be used together\n`, 128);
  return {
    strict: given.has('strict'),
    timeout: readTimeout(given.get('timeout')),
    statelessRpc: given.has('stateless-rpc'),
    advertiseRefs: given.has('http-backend-info-refs') || given.has('advertise-refs'),
    server: given.get('server'),
    tokenFile: given.get('token-file'),
    tls: { cert: given.get('tls-cert'), key: given.get('tls-key'), ca: given.get('tls-ca') },
    directory: directories[0],
  };
}

/** `name`, `no-name` or `name=value`; a name may be cut short as long as one can tell which is meant. */
function readOption(text: string): { name: string; isOff: boolean; value: string | undefined } {
  const equals = text.indexOf('=');
  const written = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? undefined : text.slice(equals + 1);
  const known = NAMES.flatMap((name) => [name, `no-${name}`]);
  const meant = known.includes(written) ? [written] : known.filter((name) => name.startsWith(written));
  if (meant.length > 1) {
    const [first, second] = meant;
    throw new Usage(`error: ambiguous option: ${written} (could be --${first} or --${second})\n${USAGE}`);
  }
  const [option] = meant;
  if (option === undefined) throw new Usage(`error: unknown option \`${text}'\n${USAGE}`);
  const isOff = option.startsWith('no-');
  const name = isOff ? option.slice('no-'.length) : option;
  if (value !== undefined && (isOff || SWITCHES.includes(name))) throw bad(option, 'takes no value');
  return { name, isOff, value };
}

const UNITS = ['', 'k', 'm', 'g'];

function readTimeout(text = '0'): number {
  const [, digits, unit] = /^\s*([+-]?\d+)([kmg]?)$/i.exec(text) ?? [];
  if (digits === undefined) throw bad('timeout', 'expects an integer value with an optional k/m/g suffix');
  return Math.max(0, Number(digits) * 1024 ** UNITS.indexOf(unit.toLowerCase()));
}

function bad(option: string, what: string): Usage {
  return new Usage(`error: option \`${option}' ${what}\n`);
}
