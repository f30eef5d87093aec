/**
 * One process at a time keeps the books of a cache directory. The lock is a socket in it that is listened on: it ends
 * with the process, however that ends, and it answers who holds it.
 */
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { ioError, isSystemError, PackhorseError } from '../errors.ts';
import { isMissing } from '../repository/missing-file.ts';

const NAME = 'lock.sock';
/** Milliseconds that a holder has to say who it is. */
const ANSWER_WITHIN = 1000;
/** Others may take the lock and let it go meanwhile. */
const MOST_TRIES = 10;

export class CacheLock {
  readonly #directory: string;
  /** Kept open: what the lock's path, and so its removal, goes through. */
  readonly #handle: fs.FileHandle;
  readonly #server: net.Server;
  readonly #identity: string;

  private constructor(directory: string, handle: fs.FileHandle, server: net.Server, identity: string) {
    this.#directory = directory;
    this.#handle = handle;
    this.#server = server;
    this.#identity = identity;
  }

  /**
   * Makes the directory where it is missing.
   * @throws PackhorseError that says which process holds it, or why it cannot be used
   */
  static async take(directory: string): Promise<CacheLock> {
    let handle: fs.FileHandle | undefined;
    try {
      await fs.mkdir(directory, { recursive: true, mode: 0o700 });
      handle = await fs.open(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
      const place = placeIn(directory, handle);
      const server = await listen(directory, place);
      return new CacheLock(directory, handle, server, await identityOf(place));
    } catch (error) {
      await handle?.close();
      throw isSystemError(error) ? ioError(`the cache directory ${directory} cannot be used`, error) : error;
    }
  }

  /** Whether it is still what others meet: a directory may be deleted, and made again. */
  async isInPlace(): Promise<boolean> {
    try {
      return (await identityOf(path.join(this.#directory, NAME))) === this.#identity;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async release(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#handle.close();
  }
}

/** Short, as the path of a socket has to be; and always in this very directory. */
function placeIn(directory: string, handle: fs.FileHandle): string {
  return path.join(process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : directory, NAME);
}

/** Numbers of inodes are used again. */
async function identityOf(file: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await fs.stat(file, { bigint: true });
  return [dev, ino, birthtimeNs].join(' ');
}

async function listen(directory: string, place: string): Promise<net.Server> {
  for (let tries = 1; ; tries++) {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`${process.pid} ${os.hostname()}`, () => socket.destroy());
    });
    try {
      server.listen({ path: place, exclusive: true });
      await once(server, 'listening');
      // It is no reason for a process to live on.
      return server.unref();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EADDRINUSE' || tries === MOST_TRIES) throw error;
    }
    await removeStale(directory, place);
  }
}

/**
 * Removes a lock whose holder is gone. Two that find it at once may remove each other's: the one that lost then finds
 * its lock not in place.
 */
async function removeStale(directory: string, place: string): Promise<void> {
  try {
    const identity = await identityOf(place);
    const holder = await askHolder(place);
    if (holder !== undefined) throw held(directory, holder);
    if ((await identityOf(place)) === identity) await fs.unlink(place);
  } catch (error) {
    // Gone by itself.
    if (!isMissing(error)) throw error;
  }
}

/** What the holder says of itself, nothing where it does not answer; undefined where there is none. */
async function askHolder(place: string): Promise<string | undefined> {
  const socket = net.connect(place);
  try {
    await once(socket, 'connect');
    const silence = setTimeout(() => socket.destroy(), ANSWER_WITHIN);
    return await text(socket)
      .catch(() => '')
      .finally(() => clearTimeout(silence));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    return undefined;
  } finally {
    socket.destroy();
  }
}

function held(directory: string, holder: string): PackhorseError {
  const [pid, host] = holder.split(' ');
  const where = host === undefined || host === os.hostname() ? '' : ` on ${host}`;
  const who = pid ? `process ${pid}${where}` : 'a process that does not answer';
  return new PackhorseError(
    'PACKHORSE_CACHE_HELD',
    `the cache directory ${directory} is in use by ${who}; stop that, or give each process a directory of its own (--cache-dir)`,
  );
}
