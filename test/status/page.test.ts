/** The status page in a real browser. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChromium } from '../support/chromium.ts';
import { clone } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createLarge } from '../support/large.ts';
import { cloneRequest, post, startFetch } from '../support/raw-client.ts';
import { settled } from '../support/request-log.ts';
import { pkt } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

/** A name that would run a script, were it read as HTML. */
const MISCHIEF = `<img src=x onerror="document.title='owned'">&amp;.git`;
const root = temporaryDirectory();
let browser: Browser;
let service: RunningService;
let request: string;

beforeAll(async () => {
  request = cloneRequest(createLarge(root, 'large.git'));
  createLarge(root, MISCHIEF);
  service = await startService(root);
  browser = await startChromium();
});

afterAll(() => browser.close());

interface Look {
  readonly page: Page;
  /** What the page asked for, and what the browser complained of. */
  readonly asked: Set<string>;
  readonly complaints: string[];
}

async function open(options: Parameters<Browser['newPage']>[0] = {}): Promise<Look> {
  const page = await browser.newPage(options);
  const asked = new Set<string>();
  const complaints: string[] = [];
  page.on('request', (each) => asked.add(each.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(service.metricsUrl);
  await samples(page, 1);
  return { page, asked, complaints };
}

/** Waits until the page has shown so many answers. What waits within the page would be `eval` to its policy. */
async function samples(page: Page, count: number): Promise<void> {
  while (!(await page.evaluate(`Number(document.body.dataset.samples ?? 0) >= ${count}`)));
}

it('shows a fetch in flight, then how it went, and draws on as time goes', async () => {
  const { page, asked, complaints } = await open();
  expect(await page.locator('#state').textContent()).toBe('ready');
  expect(await page.locator('#fetches tbody').textContent()).toBe('Nothing is in flight.');
  const paused = await startFetch(service, 'large.git', request);
  const row = page.locator('#fetches tbody tr', { hasText: 'large.git' });
  await row.waitFor();
  // Stalled for more than a second, as the page shows it.
  await row.locator('td[data-name=stalled]', { hasText: 's' }).waitFor();
  const cells = await row.locator('td').allTextContents();
  expect(cells.slice(0, 4)).toEqual(['large.git', 'clone', 'bytes', '127.0.0.1']);
  expect(cells[4]).toMatch(/^[\d.]+ [KM]iB$/);
  expect(cells[5]).toMatch(/^[\d.]+ ([KM]i)?B\/s$/);
  await paused.finish();
  await row.waitFor({ state: 'detached' });
  const slow = page.locator('#slowest tbody tr', { hasText: 'large.git' }).first();
  await slow.locator('td[data-name=why]', { hasText: 'slow client: waited' }).waitFor();
  await samples(page, 3);
  const lines = await page
    .locator('path.stroke')
    .evaluateAll((all) => all.map((line) => line.getAttribute('d')));
  expect(lines).toHaveLength(4);
  for (const line of lines) expect(line!.split('L').length).toBeGreaterThanOrEqual(3);
  expect([...asked].sort()).toEqual(['', 'status.json'].map((name) => `${service.metricsUrl}/${name}`));
  expect(complaints).toEqual([]);
  await page.close();
});

it('takes what clients and disks say for text', async () => {
  const name = encodeURIComponent(MISCHIEF);
  const paused = await startFetch(service, name, request);
  await post(service, 'large.git', `${pkt('command=<script>alert(1)</script>\n')}0000`);
  await fetch(`${service.url}/${encodeURIComponent('<b>absent</b>')}/info/refs?service=git-upload-pack`);
  const { page, complaints } = await open();
  const shown = page.locator('#fetches tbody td:first-child');
  expect(await shown.allTextContents()).toEqual([MISCHIEF]);
  const slowest = page.locator('#slowest tbody');
  await slowest.locator('td', { hasText: '<b>absent</b>' }).first().waitFor();
  await slowest.locator('td', { hasText: '<script>alert(1)</script>' }).first().waitFor();
  await paused.finish();
  await slowest.locator('td', { hasText: MISCHIEF }).first().waitFor();
  expect(await page.locator('img, td script, td b').count()).toBe(0);
  expect([await page.title(), complaints]).toEqual(['Packhorse', []]);
  await page.close();
});

it('runs no script that came in some other way', async () => {
  const { page } = await open();
  const complaint = page.waitForEvent('console');
  const cell = `<img src="data:," onerror="document.title = 'owned'">`;
  await page.evaluate(`document.querySelector('td').innerHTML = ${JSON.stringify(cell)}`);
  expect((await complaint).text()).toContain('Content Security Policy');
  expect(await page.title()).toBe('Packhorse');
  await page.close();
});

it.each([
  ['phone', 360],
  ['desk', 1280],
])('fits a %s, light and dark', async (_, width) => {
  await clone(service, 'large.git');
  await settled(service);
  const backs: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await open({ colorScheme, viewport: { width, height: 740 } });
    await page.locator('#slowest td', { hasText: 'large.git' }).first().waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    backs.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    await page.close();
  }
  expect(new Set(backs).size).toBe(2);
});

it('says that a service that has ended gives no answer', async () => {
  const mortal = await startService(root);
  const page = await browser.newPage();
  await page.goto(mortal.metricsUrl);
  await samples(page, 1);
  await mortal.stop();
  await page.locator('#state', { hasText: 'no answer' }).waitFor();
  await page.close();
});
