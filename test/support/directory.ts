/** Directories that vanish with the test file that made them. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterTests } from './after-tests.ts';

/** A fresh empty directory, removed after the tests of the file. Call it outside of tests, or inside. */
export function temporaryDirectory(): string {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'packhorse-test-')));
  afterTests(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}
