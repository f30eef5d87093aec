/** At which names the status is told: a page from elsewhere may have its own lead here. */
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { send } from '../support/raw-client.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();

/** The status of an answer to one who asks for `Host`, and its text where that is no page and no data. */
async function ask(service: RunningService, path: string, Host: string) {
  const to = { ...service, url: service.metricsUrl };
  const { status, body } = await send(to, { path, headers: { Host } });
  return status === 200 ? status : { status, text: body.toString() };
}

describe('on loopback', () => {
  let service: RunningService;

  beforeAll(async () => {
    service = await startService(root, ['--workers', '1']);
  });

  test.each(['/', '/status.json'])('%s is told at addresses, and at localhost', async (path) => {
    const { host } = new URL(service.metricsUrl);
    for (const name of [host, 'localhost', 'LOCALHOST:9417', '127.0.0.1', '[::1]:9417', '10.1.2.3:80']) {
      expect(await ask(service, path, name), name).toBe(200);
    }
  });

  test.each(['/', '/status.json'])('%s is told at no other name', async (path) => {
    const text = 'this is told at localhost or an IP address, and at no other name\n';
    const names = ['evil.example', 'evil.example:9417', 'localhost.evil.example', '127.0.0.1.evil.example'];
    for (const name of [...names, 'evil.example@127.0.0.1.evil.example', '[::1', 'a b']) {
      expect(await ask(service, path, name), name).toEqual({ status: 421, text });
    }
  });

  test.each(['/metrics', '/livez', '/readyz'])('%s answers at any name', async (path) => {
    expect(await ask(service, path, 'packhorse:9417')).toBe(200);
  });
});

test('where others can reach it, everything answers at any name', async () => {
  const service = await startService(root, [
    '--workers',
    '1',
    '--metrics-host',
    '0.0.0.0',
    '--insecure-allow-anonymous',
  ]);
  const open = { ...service, metricsUrl: service.metricsUrl.replace('0.0.0.0', '127.0.0.1') };
  for (const path of ['/', '/status.json', '/metrics']) {
    expect(await ask(open, path, 'packhorse-0.packhorse.svc:9417')).toBe(200);
  }
});
