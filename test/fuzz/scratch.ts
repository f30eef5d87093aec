/** A directory for the files that targets write, gone when the process ends. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

let made: string | undefined;

/** A fresh empty directory. */
export function scratchDirectory(): string {
  if (!made) {
    const base = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
    made = fs.realpathSync(fs.mkdtempSync(path.join(base, 'packhorse-fuzz-')));
    process.env.TMPDIR = made; // for what the code under test puts there
    process.on('exit', removeScratch);
  }
  return fs.mkdtempSync(path.join(made, 'd'));
}

export function removeScratch(): void {
  if (made) fs.rmSync(made, { recursive: true, force: true });
  made = undefined;
}
