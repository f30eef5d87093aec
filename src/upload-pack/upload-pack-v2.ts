/** An upload-pack server of protocol version 2 for one repository: the doors run it, and so can any program. */
import path from 'node:path';
import { asPackhorseError, type PackhorseError } from '../errors.ts';
import { Pace } from '../pack/pace.ts';
import { encodeFailure } from '../protocol/failure.ts';
import { parseV2Request, type V2Request } from '../protocol/v2-request.ts';
import { type AllowDirectory, Repository } from '../repository/repository.ts';
import { RepositoryCaches } from '../repository/repository-caches.ts';
import type { OwnBitmaps } from '../store/own-bitmaps.ts';
import { buildOwnBitmaps } from './bitmaps.ts';
import { ByteSink, type Write } from './byte-sink.ts';
import { encodeAdvertisement, findCommand } from './capabilities.ts';
import type { ResponseSink } from './response-sink.ts';
import { newStatistics, type Statistics } from './statistics.ts';
import { Stopwatch } from './stopwatch.ts';

export interface UploadPackOptions {
  /** Open packs and indexes that several servers of one thread share. */
  readonly caches?: RepositoryCaches;
  /** Decides whether a directory (a real path) may be read: the repository, its alternates. All may by default. */
  readonly allowed?: AllowDirectory;
  /** Where bitmaps of our own are: for repositories that have none themselves. */
  readonly ownBitmaps?: OwnBitmaps;
}

export interface Outcome {
  readonly statistics: Statistics;
  /** Present when the request failed; the client has been told. */
  readonly error?: PackhorseError;
}

/**
 * Answers the requests of one client, each on its own, as stateless HTTP does and a connection over SSH may.
 *
 *     const server = new UploadPackV2('/srv/git/project.git');
 *     stdout.write(server.advertise());
 *     await server.feed(request, (bytes) => writeAndDrain(stdout, bytes));
 */
export class UploadPackV2 {
  readonly #directory: string;
  readonly #caches: RepositoryCaches;
  readonly #allowed: AllowDirectory | undefined;
  readonly #ownBitmaps: OwnBitmaps | undefined;

  /** @param directory a bare repository, or one with `.git`; it is looked at anew for every request */
  constructor(directory: string, options: UploadPackOptions = {}) {
    this.#directory = path.resolve(directory);
    this.#caches = options.caches ?? new RepositoryCaches();
    this.#allowed = options.allowed;
    this.#ownBitmaps = options.ownBitmaps;
  }

  /**
   * The capability advertisement: pkt-lines from `version 2` to the flush.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_NOT_FOUND`, `PACKHORSE_REPOSITORY_UNSUPPORTED`
   */
  advertise(): Uint8Array {
    const repository = this.#open();
    try {
      return encodeAdvertisement(repository);
    } finally {
      repository.close();
    }
  }

  /** The whole response to one request, in memory. A failure is in it as the client would see it. */
  feed(request: Uint8Array): Promise<Uint8Array>;
  /**
   * Streams the response to one request.
   * @param request one whole request, from `command=` to its flush
   * @param write takes the response piece by piece, none above 65,520 bytes, and may keep what it gets; a promise
   *   it returns is awaited, which is the back-pressure. When it throws or rejects, the work stops and
   *   `feed` rejects with that error.
   * @returns statistics, and the error that the client was told, if any (`ERR` line, or band 3 inside of a pack)
   */
  feed(request: Uint8Array, write: Write): Promise<Outcome>;
  async feed(request: Uint8Array, write?: Write): Promise<Uint8Array | Outcome> {
    if (write) return this.#stream(request, write);
    const parts: Uint8Array[] = [];
    await this.#stream(request, (bytes) => void parts.push(bytes));
    return Buffer.concat(parts);
  }

  /**
   * Answers a parsed request into a sink: what the service's workers call.
   * @param statistics are filled in as far as the work comes, also when it fails
   * @throws PackhorseError which the sink's owner tells the client
   */
  async respond(request: V2Request, sink: ResponseSink, pace: Pace, statistics: Statistics): Promise<void> {
    const repository = this.#open();
    const watch = new Stopwatch(statistics.phases, sink);
    try {
      const command = findCommand(request, repository);
      statistics.command = request.command;
      const ownBitmaps = this.#ownBitmaps;
      await command({ repository, ownBitmaps, sink, pace, statistics, watch }, request.args);
    } finally {
      watch.stop();
      statistics.ignored.push(...repository.indexProblems);
      repository.close();
    }
  }

  /**
   * Builds bitmaps of our own where there are none that cover the packs as they are.
   * @returns how many bytes they take; undefined where there was nothing to do
   * @throws PackhorseError, or the system's error when they cannot be written
   */
  async buildBitmaps(store: OwnBitmaps, pace: Pace): Promise<number | undefined> {
    const repository = this.#open();
    try {
      return await buildOwnBitmaps(repository, store, pace);
    } finally {
      repository.close();
    }
  }

  /** Closes the packs that were kept open. Where `caches` were given, they are closed for all their users. */
  close(): void {
    this.#caches.close();
  }

  #open(): Repository {
    return Repository.open(this.#directory, this.#caches, this.#allowed);
  }

  async #stream(request: Uint8Array, write: Write): Promise<Outcome> {
    let broken: unknown;
    const sink = new ByteSink(async (bytes) => {
      try {
        await write(bytes);
      } catch (error) {
        broken = error;
        throw error;
      }
    });
    const statistics = newStatistics('none');
    try {
      const parsed = parseV2Request(request);
      if (parsed) await this.respond(parsed, sink, new Pace(), statistics);
      return { statistics };
    } catch (error) {
      if (broken !== undefined) throw broken;
      const known = asPackhorseError(error);
      await sink.sendLines(encodeFailure(known.client, sink.inPack));
      return { statistics, error: known };
    }
  }
}
