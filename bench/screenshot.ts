/** `npm run screenshot`: writes docs/status.png, the status page of a service that has something to do. */
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { readServeConfig } from '../src/cli/config.ts';
import { type Service, startService } from '../src/front/service.ts';
import { startChromium } from '../test/support/chromium.ts';
import { runGit } from '../test/support/git.ts';
import { createRepository, History, noise } from '../test/support/history.ts';
import { cloneRequest, REQUEST_TYPE } from '../test/support/raw-client.ts';

const TARGET = path.resolve(import.meta.dirname, '../docs/status.png');
const SIZE = { width: 1120, height: 720 };
const MIB = 2 ** 20;
const SECONDS = 75;
/** So much memory that three packs may be on their way, and a fourth waits. */
const FLAGS = ['--inflight-memory', '1m', '--cache-min-uses', '1', '--port', '0', '--metrics-port', '0'];

function createProject(root: string, name: string, mebibytes: number, seed: number): string {
  const source = createRepository(root, name);
  const history = new History();
  for (let n = 0; n < 2000; n++)
    history.commit({ branch: 'main', files: { [`src/file${n % 90}`]: `line ${n}\n` } });
  for (let n = 0; n < mebibytes; n++) {
    history.commit({ branch: 'main', files: { [`assets/${n}`]: noise(MIB, seed * 1000 + n) } });
  }
  history.importInto(source);
  return source;
}

/** A clone whose client takes so many bytes a second; 0: none at all. */
function take(service: Service, root: string, name: string, rate: number): void {
  const headers = { 'Content-Type': REQUEST_TYPE, 'Git-Protocol': 'version=2' };
  const request = http.request(`${service.url}/${name}/git-upload-pack`, { method: 'POST', headers });
  request.on('error', () => {});
  request.on('response', async (response) => {
    response.on('error', () => {});
    if (rate === 0) return;
    for await (const piece of response) await sleep((1000 * piece.length) / rate);
  });
  request.end(cloneRequest(path.join(root, name)));
}

async function cloneOften(
  service: Service,
  root: string,
  names: readonly string[],
  until: number,
): Promise<void> {
  for (let n = 0; performance.now() < until; n++) {
    const target = path.join(root, 'clones', String(n));
    await runGit(root, ['clone', '--quiet', '--bare', `${service.url}/${names[n % names.length]}`, target]);
    fs.rmSync(target, { recursive: true, force: true });
    await sleep(1500 * (1 + Math.sin(n)));
  }
}

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'packhorse-screenshot-'));
const environment = { PACKHORSE_CACHE_DIR: path.join(root, 'cache') };
createProject(root, 'acme/engine.git', 60, 1);
createProject(root, 'acme/website.git', 20, 2);
createProject(root, 'tools/cli.git', 4, 3);
const config = readServeConfig(['--root', root, ...FLAGS], environment);
const service = await startService(config, pino({ level: 'silent' }));
const browser = await startChromium();
const page = await browser.newPage({ viewport: SIZE });
await page.goto(service.metricsUrl);
const end = performance.now() + SECONDS * 1000;
const often = cloneOften(
  service,
  root,
  ['tools/cli.git', 'acme/website.git', 'acme/missing.git'],
  end - 4000,
);
await sleep(SECONDS * 400);
take(service, root, 'acme/engine.git', 0.5 * MIB);
take(service, root, 'acme/website.git', 0.2 * MIB);
await often;
take(service, root, 'acme/website.git', 0);
take(service, root, 'tools/cli.git', MIB);
await sleep(end - performance.now());
await page.screenshot({ path: TARGET, fullPage: true });
await browser.close();
fs.rmSync(root, { recursive: true, force: true });
process.exit();
