/** A real browser. */
import { type Browser, chromium } from 'playwright-core';

/** Debian's, without the sandbox that root may not have. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
}
