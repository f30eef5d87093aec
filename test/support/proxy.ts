/** nginx in front of several replicas: the configuration and the script of deploy/nginx, on loopback. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { vi } from 'vitest';
import { afterTests } from './after-tests.ts';
import { temporaryDirectory } from './directory.ts';
import { freePort } from './free-port.ts';
import { type RunningService, startService } from './service.ts';

const DEPLOYED = path.resolve(import.meta.dirname, '../../deploy/nginx');

/** A line of its log. */
export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** What the ring goes by. */
  readonly repository: string;
  /** Addresses of the replicas that were asked, in their order. */
  readonly tried: readonly string[];
}

export interface ReplicaProxy {
  /** `http://host:port` */
  readonly url: string;
  /** Starts a replica at its address, where it may have been before; the proxy learns of it from {@link setReplicas}. */
  startReplica(address: string): Promise<RunningService>;
  /** What its name for the replicas stands for from now on. */
  setReplicas(addresses: readonly string[]): void;
  /** How often it has read its configuration anew. */
  reloads(): number;
  /** Requests that have ended so far. */
  requests(): ProxiedRequest[];
  /** Sends its script SIGTERM and waits for the end; returns the exit code. */
  stop(): Promise<number | null>;
}

/**
 * Starts it; it ends after the tests of the file.
 * @param root of the repositories of its replicas
 * @param flags of the replicas
 * @param addresses those that its name for the replicas stands for, 127.0.0.0/8
 */
export async function startProxy(
  root: string,
  flags: readonly string[],
  addresses: readonly string[],
): Promise<ReplicaProxy> {
  const directory = temporaryDirectory();
  const port = await freePort();
  const replicaPort = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { configuration, script, log, names } = putInto(directory, port);

  const setReplicas = (list: readonly string[]) => {
    fs.writeFileSync(`${names}.new`, list.map((address) => `${address} STREAM packhorse\n`).join(''));
    fs.renameSync(`${names}.new`, names);
  };
  setReplicas(addresses);

  let said = '';
  const logFile = fs.openSync(log, 'a');
  const child = spawn('sh', [script, 'packhorse', String(replicaPort), directory], {
    env: { ...process.env, PATH: `${configuration}:${process.env.PATH}`, PACKHORSE_LOOK_UP_SECONDS: '0.1' },
    stdio: ['ignore', logFile, 'pipe'],
  });
  fs.closeSync(logFile);
  child.stderr!.on('data', (data) => {
    said += data;
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`nginx ended with ${code}: ${said}`);
  });
  ended.catch(() => {});
  const stop = async () => {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
    return child.exitCode;
  };
  afterTests(stop);
  await Promise.race([ended, untilListening(port)]);

  return {
    url,
    setReplicas,
    startReplica: (address) =>
      startService(root, [...flags, '--host', address, '--port', String(replicaPort)]),
    reloads: () => said.split('replicas: ').length - 2,
    stop,
    requests: () => fs.readFileSync(log, 'utf8').split('\n').slice(0, -1).map(readLine),
  };
}

/** What is deployed, with a port of its own, and with a `getent` that reads a file in place of asking a name server. */
function putInto(directory: string, port: number) {
  const configuration = path.join(directory, 'deployed');
  const names = path.join(directory, 'names');
  fs.cpSync(DEPLOYED, configuration, { recursive: true });
  const file = path.join(configuration, 'nginx.conf');
  const text = fs.readFileSync(file, 'utf8');
  const listening = text.replace('listen 8417;', `listen 127.0.0.1:${port};`);
  if (listening === text) throw new Error(`${file} does not listen on 8417`);
  fs.writeFileSync(file, listening);
  fs.writeFileSync(path.join(configuration, 'getent'), `#!/bin/sh\ncat '${names}'\n`, { mode: 0o755 });
  const log = path.join(directory, 'access.log');
  return { configuration, script: path.join(configuration, 'run.sh'), log, names };
}

function readLine(line: string): ProxiedRequest {
  const { method, path, status, repository, tried } = JSON.parse(line);
  const addresses = String(tried).split(/[,:] */);
  return { method, path, status, repository, tried: addresses.filter((part) => part.includes('.')) };
}

/** Waits until someone listens on a port of 127.0.0.1. */
export function untilListening(port: number): Promise<void> {
  return vi.waitFor(
    async () => {
      const socket = net.connect(port, '127.0.0.1');
      await once(socket, 'connect').finally(() => socket.destroy());
    },
    { timeout: 30_000 },
  );
}
