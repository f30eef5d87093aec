/** A second signal ends the process, but one that npm repeats is no second one. */
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { watchService } from '../support/service.ts';

const MODULE = path.resolve(import.meta.dirname, '../../src/cli/first-signal.ts');
const GOES_ON = 7;

/** Exit code of a process that sends itself two signals, one when the other has been heard. */
function afterBoth(first: string, second: string): number | null {
  const script = `
    import { once } from 'node:events';
    import net from 'node:net';
    import { firstSignal } from ${JSON.stringify(MODULE)};
    net.createServer().listen(0, '127.0.0.1'); // or it would have nothing to wait for
    const heard = firstSignal();
    process.kill(process.pid, '${first}');
    if ((await heard) !== '${first}') throw new Error('another signal');
    const repeated = once(process, '${second}');
    process.kill(process.pid, '${second}');
    await repeated;
    process.exit(${GOES_ON});
  `;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script]).status;
}

test('npm and the terminal both send a Ctrl-C', () => {
  expect(afterBoth('SIGINT', 'SIGINT')).toBe(GOES_ON);
});

test.each([
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGTERM'],
  ['SIGTERM', 'SIGINT'],
])('%s and %s end it', (first, second) => {
  expect(afterBoth(first, second)).toBe(1);
});

test('npm start hands SIGTERM on to the service, and waits for its end', async () => {
  const args = ['--silent', 'start', '--', '--root', temporaryDirectory(), '--drain-delay', '0'];
  const npm = spawn('npm', [...args, '--port', '0', '--metrics-port', '0'], {
    cwd: path.resolve(import.meta.dirname, '../..'),
    env: { ...process.env, PACKHORSE_CACHE_DIR: temporaryDirectory() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const service = await watchService(npm);
  await service.stop();
  await service.logged(({ msg }) => msg === 'stopped');
});
