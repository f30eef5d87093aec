/**
 * Loaded into a service by `NODE_OPTIONS=--import <this file>`, in its process and in its worker threads: makes calls of
 * `node:fs` fail, or does harm to the thread that makes them, as the file named by `FAULTS_FILE` says at that moment. It
 * holds a JSON list of {@link Fault}; each time that one strikes, an empty file `<FAULTS_FILE>.<name>.<n>` is made, n
 * counting from 0 over all threads. Nothing of the service knows of it. See `faults.ts` for the tests' side.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import type { Fault } from './faults.ts';

const file = process.env.FAULTS_FILE!;
const { statSync, readFileSync, openSync, closeSync } = fs;

let stamp = '';
let faults: readonly Fault[] = [];

/** The list as it is now. */
function current(): readonly Fault[] {
  const stat = statSync(file, { throwIfNoEntry: false });
  const now = stat ? `${stat.ino} ${stat.mtimeMs}` : '';
  if (now !== stamp) faults = stat ? JSON.parse(readFileSync(file, 'utf8')) : [];
  stamp = now;
  return faults;
}

/** Takes one of the times that a fault may strike; false when there are none left. */
function take({ name, times = Number.POSITIVE_INFINITY }: Fault): boolean {
  for (let n = 0; n < times; n++) {
    try {
      closeSync(openSync(`${file}.${name}.${n}`, 'wx'));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return false;
}

/** Strikes where a fault is meant for this call: then gives the error that the call ends with, if any. */
function strike(call: string, path: string): Error | undefined {
  const fault = current().find((each) => each.calls.includes(call) && new RegExp(each.path).test(path));
  // What harms a thread is for workers: the main thread is the service.
  if (!fault || (isMainThread && fault.action in ACTIONS) || !take(fault)) return undefined;
  const harm = ACTIONS[fault.action];
  return harm ? harm() : systemError(fault.action, call, path);
}

const ACTIONS: Readonly<Record<string, () => undefined>> = {
  crash() {
    queueMicrotask(() => {
      throw new Error('an injected crash');
    });
  },
  exit: () => process.exit(7) as undefined,
  hang: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  spin() {
    for (;;);
  },
  heap() {
    const hoard: object[] = [];
    for (;;) hoard.push(Array.from({ length: 1000 }, () => ({})));
  },
};

function systemError(code: string, call: string, path: string): Error {
  const errno = -os.constants.errno[code as keyof typeof os.constants.errno];
  const syscall = call.replace(/File$/, '');
  const message = `${code}: ${getSystemErrorMessage(errno)}, ${syscall} '${path}'`;
  return Object.assign(new Error(message), { errno, code, syscall, path });
}

/** Paths of open files. */
const paths = new Map<number, string>();

function pathOf(target: unknown): string {
  if (typeof target === 'number') return paths.get(target) ?? '';
  return Buffer.isBuffer(target) ? target.toString('latin1') : String(target);
}

type Call = (target: unknown, ...rest: unknown[]) => unknown;

/** Puts a call in the place of a synchronous one. */
function replace(name: keyof typeof fs, call: string): void {
  const original = fs[name] as Call;
  Object.assign(fs, {
    [name](target: unknown, ...rest: unknown[]) {
      const error = strike(call, pathOf(target));
      if (error) throw error;
      const result = original.call(fs, target, ...rest);
      if (name === 'openSync') paths.set(result as number, pathOf(target));
      if (name === 'closeSync') paths.delete(target as number);
      return result;
    },
  });
}

for (const call of [
  'open',
  'close',
  'read',
  'readFile',
  'readdir',
  'stat',
  'lstat',
  'write',
  'writev',
  'mkdir',
  'writeFile',
  'mkdtemp',
])
  replace(`${call}Sync` as keyof typeof fs, call);

/** Of streams. */
const { read } = fs;
Object.assign(fs, {
  read(fd: number, ...rest: unknown[]) {
    const error = strike('read', pathOf(fd));
    if (error) process.nextTick(rest.at(-1) as (error: Error) => void, error);
    else Reflect.apply(read, fs, [fd, ...rest]);
  },
});

type Promised = (target: unknown, ...rest: unknown[]) => Promise<unknown>;

/** Puts a call in the place of one that gives a promise. */
function replacePromised(calls: object, call: string, path?: string): void {
  const original = Reflect.get(calls, call) as Promised;
  const replacement = async (target: unknown, ...rest: unknown[]) => {
    const error = strike(call, path ?? pathOf(target));
    if (error) throw error;
    return Reflect.apply(original, calls, [target, ...rest]);
  };
  Object.assign(calls, { [call]: replacement });
}

for (const call of ['open', 'readdir', 'stat', 'mkdir', 'rename', 'rm', 'unlink']) {
  replacePromised(fs.promises, call);
}
const { open } = fs.promises;
Object.assign(fs.promises, {
  async open(path: string, ...rest: unknown[]) {
    const handle = await (open as Promised)(path, ...rest);
    for (const call of ['read', 'write']) replacePromised(handle as object, call, path);
    return handle;
  },
});
syncBuiltinESMExports();
