/** Protocol version 2 as a function of bytes: for programs that bring a door of their own. */
import { asPackhorseError, type PackhorseError } from '../errors.ts';
import { Pace } from '../pack/pace.ts';
import { pacedInput } from '../protocol/paced-input.ts';
import { ByteSink, type Write } from './byte-sink.ts';
import { newStatistics, type Statistics } from './statistics.ts';
import { UploadPack, type UploadPackOptions } from './upload-pack.ts';

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
  readonly #server: UploadPack;

  /** @param directory a bare repository, or one with `.git`; it is looked at anew for every request */
  constructor(directory: string, options: UploadPackOptions = {}) {
    this.#server = new UploadPack(directory, options);
  }

  /**
   * The capability advertisement: pkt-lines from `version 2` to the flush.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_NOT_FOUND`, `PACKHORSE_REPOSITORY_UNSUPPORTED`
   */
  advertise(): Uint8Array {
    return this.#server.capabilities();
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

  /** Closes the packs that were kept open. Where `caches` were given, they are closed for all their users. */
  close(): void {
    this.#server.close();
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
      const pace = new Pace();
      const input = pacedInput(request, pace.pauseIfDue);
      await this.#server.answer(2, input, { sink, pace, statistics });
      return { statistics };
    } catch (error) {
      if (broken !== undefined) throw broken;
      const known = asPackhorseError(error);
      await sink.sendFailure(known);
      return { statistics, error: known };
    }
  }
}
