/** Files that are small by their nature: one that is not is damage, and must take neither memory nor time. */
import fs from 'node:fs';
import { repositoryCorrupt } from '../errors.ts';

/** Opening a pipe that no one writes to does not wait, and reads as empty. */
const FLAGS = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;

/**
 * The whole file.
 * @param most bytes
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when it is larger, or the system's error
 */
export function readSmallFile(file: string | Buffer, most: number): Buffer {
  const fd = fs.openSync(file, FLAGS);
  try {
    const { size } = fs.fstatSync(fd);
    // What has no size may have content all the same: devices, and what the system makes up.
    const bytes = Buffer.allocUnsafe(size > 0 ? Math.min(size, most + 1) : most + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = fs.readSync(fd, bytes, length, bytes.length - length, null);
    }
    if (length > most) throw repositoryCorrupt(`${nameOf(file)} is larger than ${most} bytes`);
    return bytes.subarray(0, length);
  } finally {
    fs.closeSync(fd);
  }
}

function nameOf(file: string | Buffer): string {
  return file.toString().replace(/^.*\//s, '');
}
