import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { startService } from '../support/service.ts';
import { type RunOptions, runPackhorse, startPackhorse } from './run-packhorse.ts';

const ANY_PORTS = ['--port', '0', '--metrics-port', '0'];

async function expectOneLine(
  args: readonly string[],
  code: number,
  options: RunOptions = {},
): Promise<string> {
  const result = await runPackhorse(args, options);
  expect(result.stderr).toMatch(/^packhorse: [^\n]+\n$/);
  expect(result.code).toBe(code);
  return result.stderr;
}

describe('what it is called with', () => {
  test.each([
    [['--version'], `packhorse ${VERSION}\n`],
    [['--help'], 'packhorse serve --help'],
    [['serve', '--port', 'x', '--help'], 'PACKHORSE_ROOT'],
  ])('%j: exit 0, on stdout', async (args, text) => {
    const { code, stdout, stderr } = await runPackhorse(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(text);
  });

  test.each([
    [[], 'packhorse serve'],
    [['two\nlines'], 'two lines'],
    [['serve', '--no-such-flag'], '--no-such-flag'],
    [['serve', '--port', '--host'], '--port'],
    [['serve', '--port', 'abc\ndef'], '--port'],
    [['serve', '--host', '0.0.0.0'], '--insecure-allow-anonymous'],
  ])('%j: exit 2, one line on stderr', async (args, text) => {
    expect(await expectOneLine(args, 2)).toContain(text);
  });
});

describe('a root that cannot be served', () => {
  test('is a file: exit 2', async () => {
    const file = path.join(temporaryDirectory(), 'file');
    fs.writeFileSync(file, '');
    expect(await expectOneLine(['serve', '--root', file], 2)).toContain(file);
  });

  test('may not be read: exit 2', async () => {
    const root = temporaryDirectory();
    fs.chmodSync(root, 0);
    // The superuser may read anything, so nobody asks.
    const options = process.getuid?.() === 0 ? { uid: 65534 } : {};
    expect(await expectOneLine(['serve', '--root', root], 2, options)).toContain('EACCES');
    fs.chmodSync(root, 0o700);
  });

  test.each([
    ['a file', (place: string) => fs.writeFileSync(place, '')],
    ['a link to nothing', (place: string) => fs.symlinkSync('nowhere', place)],
  ])('is ./repos, which is %s: exit 2, and it stays', async (_, make) => {
    const cwd = temporaryDirectory();
    make(path.join(cwd, 'repos'));
    expect(await expectOneLine(['serve', ...ANY_PORTS], 2, { cwd })).toContain('./repos');
    expect(fs.readdirSync(cwd)).toEqual(['repos']);
  });

  test('is ./repos where nothing may be written: exit 1, says what to do', async () => {
    const cwd = temporaryDirectory();
    fs.chmodSync(cwd, 0o555);
    const options = process.getuid?.() === 0 ? { uid: 65534 } : {};
    expect(await expectOneLine(['serve', ...ANY_PORTS], 1, { cwd, ...options })).toContain('--root');
    fs.chmodSync(cwd, 0o700);
  });
});

describe('a port that cannot be had', () => {
  test.each([
    ['--port', '--metrics-port'],
    ['--metrics-port', '--port'],
  ])('%s is in use: exit 1, one line that names it', async (flag, other) => {
    const holder = net.createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as net.AddressInfo;
    const args = ['serve', '--root', temporaryDirectory(), flag, `${port}`, other, '0'];
    const line = await expectOneLine(args, 1);
    holder.close();
    expect(line).toContain(`port ${port} of 127.0.0.1 is in use`);
    expect(line).toContain(`${flag} `);
  });

  test('of an address that is not this machine’s: exit 1', async () => {
    // 192.0.2.0/24 is for documentation: no machine has it.
    const host = ['--host', '192.0.2.1', '--insecure-allow-anonymous'];
    const line = await expectOneLine(['serve', '--root', temporaryDirectory(), ...ANY_PORTS, ...host], 1);
    expect(line).toContain('192.0.2.1');
    expect(line).toContain('--host');
  });
});

describe('at the start', () => {
  test('the configuration in force is logged', async () => {
    const root = temporaryDirectory();
    const service = await startService(root, ['--workers', '1'], { PACKHORSE_MAX_REQUEST_SIZE: '1m' });
    expect(await service.logged((line) => line.msg === 'starting')).toMatchObject({
      version: VERSION,
      node: process.version,
      root,
      host: '127.0.0.1',
      port: 0,
      metricsHost: '127.0.0.1',
      metricsPort: 0,
      allowPaths: [],
      requireExportOk: false,
      workers: 1,
      maxRequestBytes: 2 ** 20,
      memoryWarnRatio: 0.85,
      logLevel: 'info',
      insecureAllowAnonymous: false,
    });
  });

  test('one line says where all doors listen', async () => {
    const everywhere = ['--host', '0.0.0.0', '--metrics-host', '0.0.0.0', '--insecure-allow-anonymous'];
    const service = await startService(temporaryDirectory(), [...everywhere, '--git-port', '0']);
    await service.stop();
    const log = service.log.filter(({ level }) => level === 30);
    expect(log.map(({ msg }) => msg)).toEqual([
      'starting',
      'listening',
      expect.stringMatching(/^stopping/),
      'draining',
      'stopped',
    ]);
    const { url, git, metrics } = log[1];
    const at = (scheme: string) => expect.stringMatching(`^${scheme}://0\\.0\\.0\\.0:\\d+$`);
    expect({ url, git, metrics }).toEqual({ url: at('http'), git: at('git'), metrics: at('http') });
  });

  test('an address that others can reach gets a warning, and only that', async () => {
    const warnings = async (flags: string[]) => {
      const service = await startService(temporaryDirectory(), ['--workers', '1', ...flags]);
      return service.log.filter((line) => line.level >= 40).map((line) => line.msg as string);
    };
    expect(await warnings(['--insecure-allow-anonymous'])).toEqual([]);
    const host = await warnings(['--insecure-allow-anonymous', '--host', '0.0.0.0']);
    expect(host).toEqual([expect.stringContaining('ANYONE')]);
    const both = ['--host', '0.0.0.0', '--metrics-host', '0.0.0.0', '--insecure-allow-anonymous'];
    expect(await warnings(both)).toHaveLength(2);
  });

  const hasIPv6 = Object.values(os.networkInterfaces()).some((list) =>
    list?.some((at) => at.address === '::1'),
  );
  test.each(['localhost', hasIPv6 ? '::1' : '127.0.0.2'])('--host %s is listened on', async (host) => {
    const service = await startService(temporaryDirectory(), ['--host', host, '--metrics-host', host]);
    const at = (url: string) => new URL(url).hostname.replace(/^\[|\]$/g, '');
    expect(host === 'localhost' ? ['127.0.0.1', '::1'] : [host]).toContain(at(service.url));
    const response = await fetch(`${service.metricsUrl}/livez`);
    expect(response.status).toBe(200);
  });
});

describe('signals', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with exit 0', async (signal) => {
    const service = await startService(temporaryDirectory(), ['--workers', '1']);
    const exited = once(service.process, 'exit');
    service.process.kill(signal);
    expect(await exited).toEqual([0, null]);
    await service.logged((line) => line.msg === 'stopped').catch(() => {});
    expect(service.log.map((line) => line.msg)).toContain('stopped');
  });

  test('SIGTERM ends it when no one reads its log any more', async () => {
    const flags = ['--root', temporaryDirectory(), '--drain-delay', '0', ...ANY_PORTS];
    const environment = { PACKHORSE_CACHE_DIR: temporaryDirectory() };
    const child = startPackhorse(['serve', ...flags], { environment });
    for (let log = ''; !log.includes('"listening"'); ) log += (await once(child.stdout, 'data'))[0];
    const exited = once(child, 'exit');
    child.stdout.destroy();
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  test('a second one ends it at once, with a request in flight', async () => {
    const service = await startService(temporaryDirectory(), ['--workers', '1']);
    const { hostname, port } = new URL(service.url);
    const client = net.connect(Number(port), hostname);
    client.on('error', () => {});
    client.write(
      'POST /a/git-upload-pack HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nExpect: 100-continue\r\n' +
        'Content-Type: application/x-git-upload-pack-request\r\n\r\n',
    );
    // The answer tells that the request has arrived; its body never will.
    expect(String((await once(client, 'data'))[0])).toContain('100 Continue');
    const exited = once(service.process, 'exit');
    service.process.kill('SIGTERM');
    await service.logged((line) => String(line.msg).startsWith('stopping'));
    service.process.kill('SIGTERM');
    expect(await exited).toEqual([1, null]);
    expect(service.log.map((line) => line.msg)).not.toContain('stopped');
    client.destroy();
  });
});
