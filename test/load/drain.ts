/** SIGTERM while clones are in flight: everyone gets the whole of theirs. */
import { once } from 'node:events';
import path from 'node:path';
import { temporaryDirectory } from '../support/directory.ts';
import { metric } from '../support/request-log.ts';
import { startService } from '../support/service.ts';
import { ClientFailure, runClient, startGit } from './clients.ts';
import { makeNoise } from './noise.ts';
import { startSlowLink } from './slow-link.ts';

export interface DrainOptions {
  /** Clones in flight. */
  readonly clients: number;
}

export interface DrainResult {
  /** Fetches that the service had not finished when it got the signal. */
  readonly inFlight: number;
  /** What its readiness said from then on. */
  readonly readiness: number;
  /** Of the service: exit code and signal. */
  readonly exit: unknown;
  /** What went wrong for each client that did not get its clone. */
  readonly failures: readonly string[];
}

/** More than sockets hold between the service and a client that does not read. */
const PACK_BYTES = 16e6;
/** Bytes that each client has when all are held back: most of a pack is still to be made. */
const HELD_AT = 1_000_000;
/** Every so many clients one comes by git://. */
const GIT_EVERY = 4;

export async function drainWithClones({ clients }: DrainOptions): Promise<DrainResult> {
  const root = temporaryDirectory();
  const directory = temporaryDirectory();
  await makeNoise(root, 'large.git', PACK_BYTES);
  const service = await startService(root, ['--workers', '2', '--git-port', '0']);
  const { git } = await service.logged(({ msg }) => msg === 'listening');

  const started = await Promise.all(
    Array.from({ length: clients }, async (_, n) => {
      const link = await startSlowLink(n % GIT_EVERY === 0 ? git : service.url, { holdAfter: HELD_AT });
      const target = path.join(directory, `clone-${n}`);
      const args = ['clone', '--quiet', '--mirror', `${link.url}/large.git`, target];
      return { link, target, args, client: startGit(directory, args) };
    }),
  );
  await Promise.all(started.map(({ link, client }) => Promise.race([link.held, client.ended])));
  const inFlight = await metric(service, 'packhorse_fetches_in_progress');

  const exited = once(service.process, 'exit');
  service.process.kill('SIGTERM');
  await service.logged(({ msg }) => msg.startsWith('stopping'));
  const { status: readiness } = await fetch(`${service.metricsUrl}/readyz`);
  for (const { link } of started) link.release();

  const failures: string[] = [];
  for (const { target, args, client } of started) {
    const result = await client.ended;
    try {
      if (result.code !== 0) throw new ClientFailure(args, result);
      await runClient(target, ['fsck', '--full', '--strict']);
    } catch (error) {
      failures.push(String(error));
    }
  }
  return { inFlight, readiness, exit: await exited, failures };
}
