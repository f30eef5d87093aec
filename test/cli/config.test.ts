import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readServeConfig } from '../../src/cli/config.ts';
import { ConfigError, environmentName, type Flag, SERVE_FLAGS } from '../../src/cli/flags.ts';
import { HELP, serveHelp } from '../../src/cli/help.ts';
import { isLoopback } from '../../src/front/clients.ts';
import { temporaryDirectory } from '../support/directory.ts';

const flags = SERVE_FLAGS as readonly Flag[];
const directory = temporaryDirectory();
const file = path.join(directory, 'file');
fs.writeFileSync(file, '');
const broken = path.join(directory, 'broken');
fs.writeFileSync(broken, 'ci secret\n');
fs.symlinkSync('loop', path.join(directory, 'loop'));
fs.symlinkSync('nowhere', path.join(directory, 'dangling'));

function refusal(args: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  try {
    readServeConfig(args, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

/** Values that each flag must refuse. */
const BAD: Readonly<Record<string, readonly string[]>> = {
  root: [file, path.join(directory, 'missing'), path.join(file, 'below'), path.join(directory, 'loop')],
  'allow-path': [file, path.join(directory, 'missing'), path.join(directory, 'dangling')],
  'git-config': ['x', 'x=1', '=1', '.x=1', 'a.1=2', 'a b.c=d', 'a.b.=x', 'a_b.c=1', ' a.b=c', 'a.b =c'],
  host: ['example.com', '127.1', '256.0.0.1', '[::1]', '127.0.0.1:80', '0.0.0.0', '::', '192.168.0.1', '*'],
  'metrics-host': ['example.com', '[::1]', '0.0.0.0', '::', '::1%lo', '::ffff:10.0.0.1'],
  port: ['abc', '65536', '1.5', '1e3', '0x50', '+80', ' 80', '99999999999999999999'],
  'metrics-port': ['abc', '65536', '8417', 'http'],
  namespace: ['a..b', 'a b', 'x.lock'],
  'git-port': ['abc', '65536', '8417'],
  'tls-key': [path.join(directory, 'missing'), directory],
  'tls-cert': [path.join(directory, 'missing'), directory],
  'jwt-key': [path.join(directory, 'missing'), directory, broken],
  'jwks-url': ['forge', 'ftp://forge/keys', 'file:///keys'],
  'jwt-audience': ['the forge'],
  'authorize-url': [
    'forge',
    'ftp://forge/{repo}',
    'http://{repo}/',
    'http://forge/allow',
    'http://forge{repo}/',
  ],
  'authorize-timeout': ['0', '5s'],
  'authorize-cache': ['-1', '10s'],
  auth: ['basic', 'NONE', 'on'],
  'token-file': [path.join(directory, 'missing'), directory, broken],
  'tls-client-ca': [path.join(directory, 'missing'), directory, broken],
  workers: ['0', '257', 'two', '1.5'],
  'max-request-size': ['0', '0k', '32mb', '1.5m', 'm', '9999999999999999', '9999999999g'],
  'index-memory': ['0', 'none', '256mib'],
  'memory-limit': ['0', 'unlimited', '50%'],
  'memory-warn-ratio': ['0', '1.01', '85%', '0x1', 'Infinity', '1e-1', '.', '0,5'],
  'adaptive-limits': ['true', '1', 'ON'],
  'cache-dir': [file, path.join(file, 'below'), path.join(directory, 'loop')],
  'cache-size': ['-1', '00', '10gb', 'all'],
  'cache-min-uses': ['0', '-1', 'twice'],
  'shared-cache-url': ['bucket', 's3:/bucket', 's3://', 's3://UPPER/x', 's3://bucket/a b', 'https://bucket'],
  'shared-cache-endpoint': ['localhost', 'localhost:9000', 'ftp://store', 'file:///store'],
  'shared-cache-region': ['Europe', 'eu central'],
  'shared-cache-first-byte': ['0', '0.5', '1s', '3600001'],
  'shared-cache-wait': ['0', '3s'],
  'own-bitmaps': ['true', '1', 'yes', 'ON'],
  bundles: ['true', '1', 'ON'],
  'bundle-min-clones': ['0', '-1', 'often'],
  'bundle-size': ['0', 'all', '10gb'],
  'bundle-caching': ['shared', 'no-store', 'PUBLIC'],
  'clone-limit': ['0', '-1', 'all', '1.5'],
  'fetch-limit': ['0', '1000001'],
  'light-limit': ['0', 'x'],
  'repository-limit': ['-1', 'none'],
  'client-limit': ['half'],
  queue: ['-1', 'many'],
  'queue-wait': ['5m', '-1', '1.5'],
  'refuse-with': ['503', 'ERR'],
  'trusted-proxies': ['10.0.0.0/33', 'proxy', '10.0.0.1,', '::/129'],
  'stream-window': ['0', 'big'],
  'inflight-memory': ['0', '50%'],
  'request-memory': ['0', 'all'],
  'idle-timeout': ['1m', '-1'],
  'negotiation-timeout': ['0.5', 'off'],
  'stall-timeout': ['never'],
  'drain-delay': ['3s'],
  'drain-timeout': ['1h'],
  'hang-timeout': ['-1', '1.5', '1000001', '60s'],
  'otlp-url': ['collector:4318', 'grpc://collector:4317'],
  'log-level': ['verbose', 'INFO', 'toString'],
};

describe('a wrong value', () => {
  const cases = Object.entries(BAD).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );

  test('of every flag with a value is in the table', () => {
    expect(Object.keys(BAD).sort()).toEqual(
      flags
        .filter(({ value }) => value)
        .map(({ name }) => name)
        .sort(),
    );
  });

  test.each(cases)('--%s=%s is refused by flag and by variable, and named', (name, value) => {
    const flag = flags.find((candidate) => candidate.name === name)!;
    const byFlag = refusal([`--${name}=${value}`]);
    expect(byFlag).toContain(`--${name}`);
    expect(byFlag).toContain(value);
    const byVariable = refusal([], { [environmentName(flag)]: value });
    expect(byVariable).toContain(`--${name}`);
    // The refusals that are about two flags name no variable.
    if (value !== '8417') expect(byVariable).toContain(environmentName(flag));
  });

  test.each(['yes', 'TRUE', '2', 'toString', ' '])(
    '%j is no value for a switch in the environment',
    (value) => {
      const message = refusal([], { PACKHORSE_INSECURE_ALLOW_ANONYMOUS: value });
      expect(message).toContain('PACKHORSE_INSECURE_ALLOW_ANONYMOUS (--insecure-allow-anonymous)');
      expect(message).toContain('true, false, 1, 0');
    },
  );

  test('whatever is given, the message is one line without control characters', () => {
    const value = fc.string({ unit: 'binary', minLength: 1 });
    fc.assert(
      fc.property(fc.constantFrom(...flags), value, (flag, text) => {
        for (const args of [[`--${flag.name}=${text}`], [`--${flag.name}`, text], [text], [`--${text}`]]) {
          try {
            readServeConfig(args, {});
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
            expect((error as Error).message).not.toMatch(/\p{Cc}/u);
          }
        }
      }),
    );
  });
});

describe('a wrong command line', () => {
  test.each([
    [['--no-such-flag'], '--no-such-flag'],
    [['--no-such-flag=1'], '--no-such-flag'],
    [['--Port', '80'], '--Port'],
    [['-p', '80'], '-p'],
    [['--no-port'], '--no-port'],
    [['repos'], 'repos'],
    [['--', 'repos'], 'repos'],
    [['--port'], '--port'],
    [['--port='], '--port'],
    [['--port', ''], '--port'],
    [['--root', '--port', '80'], '--root'],
    [['--root', ''], '--root'],
    [['--insecure-allow-anonymous=true'], '--insecure-allow-anonymous'],
    [['--insecure-allow-anonymous', 'true'], 'true'],
  ])('%j is refused and says %s', (args, names) => {
    expect(refusal(args)).toContain(names);
  });
});

describe('where a value comes from', () => {
  test('flag beats environment beats default', () => {
    expect(readServeConfig([], {}).port).toBe(8417);
    expect(readServeConfig([], { PACKHORSE_PORT: '1' }).port).toBe(1);
    expect(readServeConfig(['--port', '2'], { PACKHORSE_PORT: '1' }).port).toBe(2);
    expect(readServeConfig(['--port', '2', '--port=3'], {}).port).toBe(3);
  });

  test('a flag that beats a wrong variable makes it right', () => {
    expect(readServeConfig(['--port', '2'], { PACKHORSE_PORT: 'x' }).port).toBe(2);
  });

  test('an empty variable counts as none', () => {
    const environment = Object.fromEntries(flags.map((flag) => [environmentName(flag), '']));
    expect(readServeConfig([], environment)).toEqual(readServeConfig([], {}));
  });

  test('every flag can come from its variable alone', () => {
    const config = readServeConfig([], {
      PACKHORSE_ROOT: directory,
      PACKHORSE_HOST: '::1',
      PACKHORSE_PORT: '0',
      PACKHORSE_GIT_PORT: '9418',
      PACKHORSE_DUMB_HTTP: 'true',
      PACKHORSE_METRICS_HOST: 'LocalHost',
      PACKHORSE_METRICS_PORT: '65535',
      PACKHORSE_ALLOW_PATH: `${directory}:/:`,
      PACKHORSE_GIT_CONFIG: 'uploadpack.allowFilter=true\n\ntransfer.hideRefs=refs/a:b\nA.B.C\n',
      PACKHORSE_NAMESPACE: 'a/b',
      PACKHORSE_REQUIRE_EXPORT_OK: 'true',
      PACKHORSE_WORKERS: '3',
      PACKHORSE_MAX_REQUEST_SIZE: '5K',
      PACKHORSE_INDEX_MEMORY: '300m',
      PACKHORSE_MEMORY_LIMIT: '2g',
      PACKHORSE_MEMORY_WARN_RATIO: '.5',
      PACKHORSE_ADAPTIVE_LIMITS: 'off',
      PACKHORSE_CACHE_DIR: path.join(directory, 'new', 'cache'),
      PACKHORSE_SHARED_CACHE_URL: 's3://bucket/a/packs',
      PACKHORSE_SHARED_CACHE_ENDPOINT: 'http://127.0.0.1:9000',
      PACKHORSE_SHARED_CACHE_REGION: 'eu-central-1',
      PACKHORSE_SHARED_CACHE_FIRST_BYTE: '200',
      PACKHORSE_SHARED_CACHE_WAIT: '1000',
      PACKHORSE_OWN_BITMAPS: 'off',
      PACKHORSE_BUNDLES: 'on',
      PACKHORSE_BUNDLE_MIN_CLONES: '20',
      PACKHORSE_BUNDLE_SIZE: '7g',
      PACKHORSE_BUNDLE_CACHING: 'public',
      PACKHORSE_CACHE_SIZE: '3g',
      PACKHORSE_CACHE_MIN_USES: '3',
      PACKHORSE_CLONE_LIMIT: '5',
      PACKHORSE_FETCH_LIMIT: '6',
      PACKHORSE_LIGHT_LIMIT: '7',
      PACKHORSE_REPOSITORY_LIMIT: '3',
      PACKHORSE_CLIENT_LIMIT: '2',
      PACKHORSE_QUEUE: '0',
      PACKHORSE_QUEUE_WAIT: '60',
      PACKHORSE_REFUSE_WITH: '429',
      PACKHORSE_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      PACKHORSE_STREAM_WINDOW: '2m',
      PACKHORSE_INFLIGHT_MEMORY: '1g',
      PACKHORSE_HANG_TIMEOUT: '0',
      PACKHORSE_REQUEST_MEMORY: '64m',
      PACKHORSE_IDLE_TIMEOUT: '0',
      PACKHORSE_NEGOTIATION_TIMEOUT: '30',
      PACKHORSE_STALL_TIMEOUT: '20',
      PACKHORSE_DRAIN_DELAY: '0',
      PACKHORSE_DRAIN_TIMEOUT: '10',
      PACKHORSE_LOG_LEVEL: 'silent',
      PACKHORSE_INSECURE_ALLOW_ANONYMOUS: '1',
    });
    expect(config).toEqual({
      root: directory,
      rootIsDefault: false,
      host: '::1',
      port: 0,
      gitPort: 9418,
      auth: { mode: 'none' },
      dumbHttp: true,
      tls: undefined,
      metricsHost: 'localhost',
      metricsPort: 65535,
      allowPaths: [directory, '/'],
      gitConfig: ['uploadpack.allowFilter=true', 'transfer.hideRefs=refs/a:b', 'A.B.C'],
      namespace: 'a/b',
      requireExportOk: true,
      workers: 3,
      maxRequestBytes: 5 * 1024,
      indexMemory: 300 * 1024 ** 2,
      memoryLimit: 2 * 1024 ** 3,
      memoryWarnRatio: 0.5,
      adaptiveLimits: false,
      cacheDir: path.join(directory, 'new', 'cache'),
      sharedCache: {
        bucket: 'bucket',
        prefix: 'a/packs/',
        endpoint: 'http://127.0.0.1:9000',
        region: 'eu-central-1',
        firstByte: 200,
        wait: 1000,
      },
      ownBitmaps: false,
      bundles: true,
      bundleMinClones: 20,
      bundleSize: 7 * 1024 ** 3,
      bundleCaching: 'public',
      cacheSize: 3 * 1024 ** 3,
      cacheMinUses: 3,
      limits: { clone: 5, fetch: 6, light: 7 },
      perRepository: 3,
      perClient: 2,
      queue: 0,
      queueWait: 60,
      refuseWith: '429',
      trustedProxies: ['10.0.0.0/8', '::1'],
      streamWindow: 2 * 1024 ** 2,
      inflightMemory: 1024 ** 3,
      hangTimeout: 0,
      requestMemory: 64 * 1024 ** 2,
      timeouts: { idle: 0, negotiation: 30, stall: 20 },
      drainDelay: 0,
      drainTimeout: 10,
      logLevel: 'silent',
      insecureAllowAnonymous: true,
    });
  });

  test('a flag that may be repeated takes the place of its whole variable', () => {
    const args = ['--allow-path', directory, '--allow-path', '/'];
    expect(readServeConfig(args, { PACKHORSE_ALLOW_PATH: '/tmp' }).allowPaths).toEqual([directory, '/']);
  });

  test.each([
    [{ XDG_CACHE_HOME: '/var/caches', HOME: '/home/u' }, '/var/caches/packhorse'],
    [{ XDG_CACHE_HOME: 'not/absolute' }, path.join(os.homedir(), '.cache/packhorse')],
    [{}, path.join(os.homedir(), '.cache/packhorse')],
  ])('without a cache directory it is where %j says', (environment, expected) => {
    expect(readServeConfig(['--root', directory], environment).cacheDir).toBe(expected);
  });

  test('without a root it is ./repos, and that it was no one’s choice is known', () => {
    const { root, rootIsDefault } = readServeConfig([], {});
    expect(root).toBe(path.resolve('repos'));
    expect(rootIsDefault).toBe(true);
    expect(readServeConfig(['--root', directory], {}).rootIsDefault).toBe(false);
    expect(readServeConfig([], { PACKHORSE_ROOT: directory }).rootIsDefault).toBe(false);
  });

  test('numbers in range are read as they are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 65535 }),
        fc.integer({ min: 1, max: 2 ** 23 - 1 }),
        (port, size) => {
          const config = readServeConfig(
            ['--port', `${port}`, '--metrics-port=0', `--memory-limit=${size}g`],
            {},
          );
          expect(config.port).toBe(port);
          expect(config.memoryLimit).toBe(size * 2 ** 30);
        },
      ),
    );
  });
});

describe('addresses that others can reach', () => {
  const open = [
    '0.0.0.0',
    '::',
    '126.255.255.255',
    '128.0.0.0',
    '10.0.0.1',
    '192.0.2.1',
    'fe80::1%eth0',
    '2001:db8::1',
  ];

  test.each(open)('%s is refused unless anonymous access is meant', (address) => {
    for (const name of ['host', 'metrics-host']) {
      expect(refusal([`--${name}`, address])).toContain('--insecure-allow-anonymous');
      expect(refusal([`--${name}`, address], { PACKHORSE_INSECURE_ALLOW_ANONYMOUS: '0' })).toContain(
        `--${name}`,
      );
      readServeConfig([`--${name}`, address, '--insecure-allow-anonymous'], {});
      readServeConfig([`--${name}`, address], { PACKHORSE_INSECURE_ALLOW_ANONYMOUS: 'true' });
    }
  });

  test.each([
    '127.0.0.1',
    '127.8.9.10',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    'localhost',
    'LOCALHOST',
  ])('%s is this machine alone', (address) => {
    expect(isLoopback(readServeConfig(['--host', address], {}).host)).toBe(true);
  });

  test('an IPv4 address is loopback only in 127.0.0.0/8, also where it is mapped to IPv6', () => {
    const own = fc.ipV4().map((address) => address.replace(/^\d+/, '127'));
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), own), (address) => {
        const expected = address.startsWith('127.');
        expect(isLoopback(address)).toBe(expected);
        expect(isLoopback(`::ffff:${address}`)).toBe(expected);
      }),
    );
  });
});

describe('two doors', () => {
  test('need a port each on one address', () => {
    expect(refusal(['--port', '80', '--metrics-port', '80'])).toContain('--metrics-port');
    readServeConfig(['--port', '0', '--metrics-port', '0'], {});
    readServeConfig(['--port', '80', '--metrics-port', '80', '--metrics-host', '::1'], {});
  });
});

describe('the help', () => {
  test.each(flags.map((flag) => [flag]))('has $name with its variable and its default', (flag) => {
    const rows = serveHelp().split(/\n(?= {2}--)/);
    const row = rows.find((text) =>
      text.startsWith(`  --${flag.name}${flag.value ? ` ${flag.value}` : ''}\n`),
    )!;
    expect(row).toMatch(new RegExp(`^ +${environmentName(flag)}$`, 'm'));
    if (flag.default !== undefined) expect(row).toContain(`(default: ${flag.default})`);
  });

  test('a default in the help is the value in force', () => {
    const given = flags.filter((flag) => flag.default).flatMap((flag) => [`--${flag.name}`, flag.default!]);
    expect(readServeConfig(given, {})).toEqual(readServeConfig([], {}));
  });

  test('fits a terminal', () => {
    for (const line of `${HELP}${serveHelp()}`.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

test('key and certificate are of use together only', () => {
  expect(refusal(['--tls-key', file])).toBe('--tls-key and --tls-cert belong together');
  expect(refusal(['--tls-cert', file])).toBe('--tls-key and --tls-cert belong together');
  expect(refusal(['--tls-key', file, '--tls-cert', file])).toMatch(
    /^--tls-key and --tls-cert cannot be used: /,
  );
});

test('credentials in the address of a store are refused, and not repeated', () => {
  const message = refusal(['--shared-cache-endpoint', 'https://user:secret@store.example']);
  expect(message).toContain('--shared-cache-endpoint');
  expect(message).not.toContain('secret');
});

test('what is shared has to lie here first', () => {
  expect(refusal(['--shared-cache-url', 's3://bucket', '--cache-size', '0'])).toContain('--cache-size');
  const { sharedCache } = readServeConfig(['--shared-cache-url', 's3://bucket/'], {});
  expect(sharedCache).toMatchObject({ bucket: 'bucket', prefix: '', firstByte: 500, wait: 3000 });
});
